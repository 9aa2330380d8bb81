package main

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
)

var (
	// Where the C library lies: Debian, Fedora and SUSE, Arch.
	libcPlaces = []string{
		"/lib/x86_64-linux-gnu/libc.so.6", "/lib/aarch64-linux-gnu/libc.so.6",
		"/lib64/libc.so.6", "/usr/lib64/libc.so.6", "/usr/lib/libc.so.6", "/lib/libc.so.6",
	}
	// What every program for glibc names as its interpreter.
	loaders = []string{"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"}
	// What the library says of itself when it is run; not every release has symbols of its own.
	release = regexp.MustCompile(`release version 2\.(\d+)`)
)

// glibcMissing returns a sentence where the C library of the system below root ("" for this one) is
// too old, or another one. needed: such as 2.36.
func glibcMissing(needed, root string) string {
	minor, err := strconv.Atoi(strings.TrimPrefix(needed, "2."))
	if err != nil {
		return fmt.Sprintf("this file is damaged: it needs glibc %q", needed)
	}
	sentence := "needs glibc 2.%d or newer, and this system has %s; the wheel can run here instead"
	if !anyOf(loaders, root) {
		return fmt.Sprintf(sentence, minor, "none (Alpine has musl instead)")
	}
	for _, path := range libcPlaces {
		text, err := os.ReadFile(root + path)
		if err != nil {
			continue
		}
		found := release.FindSubmatch(text)
		if found == nil {
			continue
		}
		if has, _ := strconv.Atoi(string(found[1])); has < minor {
			return fmt.Sprintf(sentence, minor, fmt.Sprintf("2.%d (%s)", has, path))
		}
		return ""
	}
	return "" // at an unusual place: the loader will tell
}

func anyOf(paths []string, root string) bool {
	for _, path := range paths {
		if _, err := os.Stat(root + path); err == nil {
			return true
		}
	}
	return false
}
