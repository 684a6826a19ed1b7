"""What learns the router's heads, the classifier of messages, and small changes of the embedder."""
