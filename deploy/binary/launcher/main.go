// The one-file program: unpacks what it carries once, into a directory that is named by its content,
// and becomes the program in it. It stays nothing but the first moment of the process: no parent
// process, no signal to be handed on.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const failed = 1

func main() {
	if sentence := glibcMissing(neededGlibc, ""); sentence != "" {
		stop(sentence)
	}
	manifest, err := parseManifest(manifestText)
	if err != nil {
		stop(err.Error())
	}
	folder, err := prepared(manifest, places(os.Getenv, os.Getuid()))
	if err != nil {
		stop(err.Error())
	}
	program := filepath.Join(folder, programName)
	os.Setenv("CRYPITOR_PROGRAM", carrier())
	words := append([]string{program}, os.Args[1:]...)
	stop(fmt.Sprintf("%s cannot be started: %v", program, syscall.Exec(program, words, os.Environ())))
}

func stop(sentence string) {
	say(sentence)
	os.Exit(failed)
}

func say(sentence string) {
	fmt.Fprintln(os.Stderr, "crypitor: "+sentence)
}

// carrier returns the path of this file; without /proc, where the shell found it.
func carrier() string {
	if path, err := os.Executable(); err == nil {
		return path
	}
	path, err := filepath.Abs(os.Args[0])
	if err != nil || !strings.Contains(os.Args[0], "/") {
		return os.Args[0]
	}
	return path
}
