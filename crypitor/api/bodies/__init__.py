"""What callers may write in bodies, with limits and defaults."""
