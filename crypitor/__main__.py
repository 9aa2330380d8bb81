"""`python -m crypitor`."""

from crypitor.cli import main

main()
