"""What a GPT is: its specification, its tools, its actions, and what the model under it can do."""
