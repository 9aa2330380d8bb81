"""Delivers matches, signed, to the endpoints of their monitors until they are taken."""
