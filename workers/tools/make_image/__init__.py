"""Pictures from words, drawn by a local model or by an endpoint."""
