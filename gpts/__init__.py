"""Pure decisions: what a GPT is and what happens next in a run. Imports only the standard library and pydantic."""
