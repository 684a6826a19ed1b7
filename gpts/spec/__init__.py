"""What a GPT is: its specification, tools and actions, and what its base model can do."""
