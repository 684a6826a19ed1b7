"""The operator's pages: which model runs here and what it can do."""
