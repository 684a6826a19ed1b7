"""Chooses the tool or the GPT for a message, if any, with the embedder and a small trained head."""
