"""The tool `open_page`."""
