"""Which tool, or which GPT, a message asks for, if any: decided with the embedder and a small trained head."""
