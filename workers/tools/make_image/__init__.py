"""The tool `make_image`."""
