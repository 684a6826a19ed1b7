"""Runs Python that a model wrote, in a confined process for each conversation; a separate service."""
