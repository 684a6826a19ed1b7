"""Runs Python that a model wrote, in a confined process for each conversation; a service of its own."""
