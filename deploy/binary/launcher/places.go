package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const (
	noExec         = 8 // ST_NOEXEC of statfs(2)
	othersMayWrite = 0o022
	private        = 0o700
)

// A place is a directory in which unpacked programs lie, each under the name of its content.
type place struct {
	path string
	kept bool // a cache, and not what is emptied with the next start of the machine
}

// places returns where to look and to unpack, the best first. environment: reads a variable.
func places(environment func(string) string, user int) []place {
	var found []place
	kept := func(path string) {
		if filepath.IsAbs(path) {
			found = append(found, place{filepath.Clean(path), true})
		}
	}
	if chosen := environment("CRYPITOR_CACHE"); chosen != "" {
		if absolute, err := filepath.Abs(chosen); err == nil {
			kept(absolute)
		}
	} else {
		// systemd sets it for CacheDirectory=; several are separated by colons.
		kept(strings.SplitN(environment("CACHE_DIRECTORY"), ":", 2)[0])
		if cache := environment("XDG_CACHE_HOME"); filepath.IsAbs(cache) {
			kept(filepath.Join(cache, "crypitor"))
		} else if home := environment("HOME"); filepath.IsAbs(home) && home != "/" {
			kept(filepath.Join(home, ".cache", "crypitor"))
		}
		if user == 0 {
			kept("/var/cache/crypitor")
		}
	}
	own := "crypitor-" + strconv.Itoa(user)
	for _, folder := range []string{environment("TMPDIR"), "/var/tmp", "/tmp", "/dev/shm"} {
		if filepath.IsAbs(folder) {
			found = append(found, place{filepath.Join(folder, own), false})
		}
	}
	return found
}

// open makes the directory where it is missing, and says why it cannot be used.
func (p place) open() error {
	if p.kept {
		// With sudo, HOME may be somebody's in which nothing of root's should be left behind.
		if err := owned(nearest(p.path)); err != nil {
			return err
		}
		if err := os.MkdirAll(p.path, private); err != nil {
			return err
		}
	} else if err := os.Mkdir(p.path, private); err != nil && !os.IsExist(err) {
		return err
	}
	if err := trusted(p.path, p.kept); err != nil {
		return err
	}
	var about syscall.Statfs_t
	if err := syscall.Statfs(p.path, &about); err != nil {
		return &os.PathError{Op: "statfs", Path: p.path, Err: err}
	}
	if about.Flags&noExec != 0 {
		return fmt.Errorf("%s: is mounted noexec", p.path)
	}
	return nil
}

// nearest returns the innermost directory of a path that is there.
func nearest(path string) string {
	for path != "/" {
		if _, err := os.Stat(path); err == nil {
			break
		}
		path = filepath.Dir(path)
	}
	return path
}

func owned(path string) error {
	about, err := os.Stat(path)
	if err != nil {
		return err
	}
	if owner := about.Sys().(*syscall.Stat_t).Uid; owner != 0 && owner != uint32(os.Geteuid()) {
		return fmt.Errorf("%s: belongs to another user", path)
	}
	return nil
}

// trusted says why another user could change what lies in a directory. shared: it may be one like
// /tmp, in which nobody can touch what others have made.
func trusted(path string, shared bool) error {
	about, err := os.Lstat(path)
	if shared && err == nil && about.Mode()&os.ModeSymlink != 0 {
		about, err = os.Stat(path)
	}
	if err != nil {
		return err
	}
	switch {
	case !about.IsDir():
		return fmt.Errorf("%s: is not a directory", path)
	case about.Mode().Perm()&othersMayWrite != 0 && !(shared && about.Mode()&os.ModeSticky != 0):
		return fmt.Errorf("%s: others may write to it", path)
	}
	return owned(path)
}
