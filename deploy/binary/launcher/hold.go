package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// From which age on another version that nobody runs is removed: after an upgrade, the way back is
// as quick as before for a week.
const unusedAge = 7 * 24 * time.Hour

// prepared returns a directory with all that is carried, and holds it as long as the process lives.
func prepared(manifest []carried, places []place) (string, error) {
	var reasons []string
	for _, one := range places {
		folder, err := one.hold(manifest)
		if err != nil {
			reasons = append(reasons, err.Error())
			continue
		}
		if !one.kept {
			say(fmt.Sprintf("no cache directory can be used (%s): unpacked into %s instead, which may "+
				"not last; CRYPITOR_CACHE names a place", strings.Join(reasons, "; "), one.path))
		}
		return folder, nil
	}
	return "", fmt.Errorf("there is no place to unpack into: %s", strings.Join(reasons, "; "))
}

func (p place) hold(manifest []carried) (string, error) {
	if err := p.open(); err != nil {
		return "", err
	}
	folder := filepath.Join(p.path, folderName)
	if _, err := lock(folder+".used", syscall.LOCK_SH, 0); err != nil {
		// Where nothing can be written, another user may have unpacked it for all.
		if fresh(folder, manifest) || intact(folder, manifest) {
			return folder, nil
		}
		return "", err
	}
	now := time.Now()
	_ = os.Chtimes(folder+".used", now, now) // only tells how long it has been unused
	if fresh(folder, manifest) {
		return folder, nil
	}
	turn, err := lock(folder+".lock", syscall.LOCK_EX, syscall.O_CLOEXEC)
	if err != nil {
		return "", err
	}
	defer syscall.Close(turn)
	if fresh(folder, manifest) { // whoever had the lock has done it
		return folder, nil
	}
	if intact(folder, manifest) {
		return folder, stamp(folder, manifest)
	}
	if err := replace(folder, manifest); err != nil {
		return "", err
	}
	if err := stamp(folder, manifest); err != nil {
		return "", err
	}
	p.removeUnused(now.Add(-unusedAge))
	return folder, nil
}

// fresh says whether nothing has changed since everything was compared with the manifest.
func fresh(folder string, manifest []carried) bool {
	noted, err := os.ReadFile(folder + ".stamp")
	if err != nil || trusted(folder, false) != nil {
		return false
	}
	now, err := state(folder, manifest)
	return err == nil && now == string(noted)
}

func intact(folder string, manifest []carried) bool {
	return trusted(folder, false) == nil && whole(folder, manifest) == nil
}

func stamp(folder string, manifest []carried) error {
	now, err := state(folder, manifest)
	if err != nil {
		return err
	}
	next := folder + ".stamp.new"
	if err := os.WriteFile(next, []byte(now), 0o644); err != nil {
		return err
	}
	return os.Rename(next, folder+".stamp")
}

// replace unpacks into a directory beside, and puts that in the folder's place.
func replace(folder string, manifest []carried) error {
	removeParts(folder)
	next, err := os.MkdirTemp(filepath.Dir(folder), filepath.Base(folder)+".part-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(next) // and with it what was there before
	whole, before := filepath.Join(next, "new"), filepath.Join(next, "old")
	if err := unpack(archive, whole, manifest); err != nil {
		return err
	}
	if err := os.Rename(folder, before); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Rename(whole, folder)
}

// removeUnused removes other versions that nobody runs and nobody has started since.
func (p place) removeUnused(since time.Time) {
	for _, used := range named(p.path, "", ".used") {
		other := strings.TrimSuffix(used, ".used")
		about, err := os.Stat(used)
		if err != nil || len(filepath.Base(other)) != len(folderName) || about.ModTime().After(since) {
			continue
		}
		// The empty files of the locks stay: one that is removed could be locked by two.
		free, err := lock(used, syscall.LOCK_EX|syscall.LOCK_NB, syscall.O_CLOEXEC)
		if err != nil {
			continue
		}
		os.Remove(other + ".stamp")
		os.RemoveAll(other)
		removeParts(other)
		syscall.Close(free)
	}
}

// removeParts removes what was left by one that was killed while it unpacked.
func removeParts(folder string) {
	for _, part := range named(filepath.Dir(folder), filepath.Base(folder)+".part-", "") {
		os.RemoveAll(part)
	}
}

func named(folder, prefix, suffix string) []string {
	var found []string
	entries, _ := os.ReadDir(folder)
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), prefix) && strings.HasSuffix(entry.Name(), suffix) {
			found = append(found, filepath.Join(folder, entry.Name()))
		}
	}
	return found
}

// lock waits for a lock on a file and returns its descriptor, with which the lock lives. Without
// O_CLOEXEC among the flags, it lives on in the program that this process becomes.
func lock(path string, how, flags int) (int, error) {
	file, err := syscall.Open(path, syscall.O_RDWR|syscall.O_CREAT|syscall.O_NOFOLLOW|flags, 0o600)
	if err != nil {
		return 0, &os.PathError{Op: "open", Path: path, Err: err}
	}
	for {
		err = syscall.Flock(file, how)
		if err == nil {
			return file, nil
		}
		if err != syscall.EINTR {
			syscall.Close(file)
			return 0, &os.PathError{Op: "lock", Path: path, Err: err}
		}
	}
}
