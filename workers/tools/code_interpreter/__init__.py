"""Python, run in the sandbox service."""
