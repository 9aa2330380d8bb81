package main

import (
	_ "embed"
	"strings"
)

const programName = "crypitor"

// What `onefile.py` puts beside this file before it is compiled.
var (
	//go:embed carried/folder.tar.gz
	archive string
	//go:embed carried/manifest
	manifestText string
	//go:embed carried/name
	nameText string
	//go:embed carried/glibc
	glibcText string

	folderName  = strings.TrimSpace(nameText) // of 32 hexadecimal digits: by the content of the manifest
	neededGlibc = strings.TrimSpace(glibcText)
)
