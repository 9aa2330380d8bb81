"""Matches past blocks of one monitor, beside the live path and without its hurry."""
