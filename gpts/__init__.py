"""The mind of Guildhall: what a GPT is and what should happen next. Pure: standard library and pydantic only."""
