"""Arguments of a call, read from a message without a model."""
