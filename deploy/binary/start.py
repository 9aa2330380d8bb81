"""Where the program of `make binary` begins."""

from crypitor.__main__ import main

main()
