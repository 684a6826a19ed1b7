"""Reads a question and a sentence together, to tell what answers from what is only about the same."""
