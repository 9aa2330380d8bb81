"""The process: what is opened, which roles run, who watches them, how it ends."""
