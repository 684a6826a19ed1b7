"""What learns small changes of the embedder. In a checkout only; nothing imports it at run time."""
