"""Balances and views: looks at them in the blocks in which they are due."""
