"""Matches blocks against what users asked."""
