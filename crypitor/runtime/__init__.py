"""What every role stands on: its loop, its log, its signals. Knows nothing of chains."""
