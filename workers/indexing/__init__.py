"""Indexing files, and reports on what the index contains and finds."""
