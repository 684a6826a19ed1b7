"""Arguments of a call, read off a message without a model."""
