"""Finds out how the blocks of a chain prove themselves, and what a node of it can do."""
