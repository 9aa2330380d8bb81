package main

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// unpack writes the files of an archive below a new folder and compares each with the manifest. When
// it returns without an error, all of it is on the disk.
func unpack(archive, folder string, manifest []carried) error {
	if err := os.Mkdir(folder, 0o755); err != nil { // who may see it, the directory above decides
		return err
	}
	packed, err := gzip.NewReader(strings.NewReader(archive))
	if err != nil {
		return fmt.Errorf("this file is damaged: %w", err)
	}
	missing := map[string]carried{}
	for _, one := range manifest {
		missing[one.path] = one
	}
	entries := tar.NewReader(packed)
	for {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("this file is damaged: %w", err)
		}
		one, wanted := missing[header.Name]
		if !wanted {
			return fmt.Errorf("this file is damaged: %s is not in its manifest", header.Name)
		}
		if err := one.write(folder, entries); err != nil {
			return err
		}
		delete(missing, header.Name)
	}
	if len(missing) > 0 {
		return fmt.Errorf("this file is damaged: %d files are missing", len(missing))
	}
	return onDisk(folder)
}

func (c carried) write(folder string, content io.Reader) error {
	path := filepath.Join(folder, c.path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if c.kind == "link" {
		return os.Symlink(c.what, path)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	digest := sha256.New()
	_, err = io.Copy(io.MultiWriter(file, digest), content)
	if err == nil {
		err = file.Chmod(mode(c.kind)) // whatever the umask says
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if hex.EncodeToString(digest.Sum(nil)) != c.what {
		return fmt.Errorf("this file is damaged: %s is not what was packed", c.path)
	}
	return nil
}

// onDisk waits until the file system has written everything: syncfs(2), which the standard library
// does not know.
func onDisk(folder string) error {
	file, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer file.Close()
	number := map[string]uintptr{"amd64": 306, "arm64": 267}[runtime.GOARCH]
	if _, _, wrong := syscall.Syscall(number, file.Fd(), 0, 0); wrong != 0 {
		return &os.PathError{Op: "syncfs", Path: folder, Err: wrong}
	}
	return nil
}
