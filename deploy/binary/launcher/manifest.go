package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// A carried thing: a file with the SHA-256 of its content, or a symbolic link with its target.
type carried struct {
	kind string // "file", "run" (an executable file) or "link"
	what string // the digest, or the target
	path string // below the folder
}

// parseManifest reads lines of kind, digest or target, and path, separated by tabs.
func parseManifest(text string) ([]carried, error) {
	var found []carried
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		fields := strings.Split(line, "\t")
		if len(fields) != 3 {
			return nil, fmt.Errorf("this file is damaged: %q stands in its manifest", line)
		}
		found = append(found, carried{fields[0], fields[1], fields[2]})
	}
	return found, nil
}

// state returns a digest of what the file system says of all carried files, which changes whenever
// one is written, replaced or taken away; and an error where one is missing. As git does it: to read
// a hundred megabytes at each start would double its time.
func state(folder string, manifest []carried) (string, error) {
	digest := sha256.New()
	for _, one := range manifest {
		var about syscall.Stat_t
		path := filepath.Join(folder, one.path)
		if err := syscall.Lstat(path, &about); err != nil {
			return "", &os.PathError{Op: "lstat", Path: path, Err: err}
		}
		fmt.Fprintln(digest, one.path, about.Mode, about.Uid, about.Ino, about.Size,
			about.Mtim.Sec, about.Mtim.Nsec, about.Ctim.Sec, about.Ctim.Nsec)
	}
	return hex.EncodeToString(digest.Sum(nil)), nil
}

// whole says what differs from the manifest, by reading everything.
func whole(folder string, manifest []carried) error {
	for _, one := range manifest {
		path := filepath.Join(folder, one.path)
		found, err := measured(path, one.kind)
		if err != nil {
			return err
		}
		if found != one.what {
			return fmt.Errorf("%s: is damaged", path)
		}
	}
	return nil
}

func measured(path, kind string) (string, error) {
	if kind == "link" {
		return os.Readlink(path)
	}
	about, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	if !about.Mode().IsRegular() || about.Mode().Perm() != mode(kind) {
		return "", nil
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	digest := sha256.New()
	_, err = io.Copy(digest, file)
	return hex.EncodeToString(digest.Sum(nil)), err
}

func mode(kind string) os.FileMode {
	if kind == "run" {
		return 0o755
	}
	return 0o644
}
