"""Monitors and endpoints as files: what they say, what a service has, and how to make it so."""
