"""The tool `ask_user`: the person answers a question in a form."""
