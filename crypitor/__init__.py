"""Crypitor: follow each chain block by block, match what users asked, deliver it until taken."""

__version__ = "0.1.0"
