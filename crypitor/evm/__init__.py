"""The chain's words. Pure: no clock, no chance, no I/O."""
