"""How long a test waits for what has to come."""

HANG_SECONDS = 120.0
"""Longer than anything takes on a slow and busy machine: only what hangs reaches it.

What a test proves to be prompt it holds against something that would take longer than this.
"""
