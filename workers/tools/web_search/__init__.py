"""A search of the web."""
