"""The operator's pages: what runs here and what it can do."""
