"""The tool `update_draft`: fills in the form of the GPT that a conversation builds."""
