"""What every page stands in: sessions, its look, and how it asks the API's functions."""
