"""The one error of this package."""


class ModelError(Exception):
    """A model cannot be found, downloaded or removed; the message says why and what to do."""
