"""Takes over what other services are configured with: files for `apply`, and a word on the rest."""
