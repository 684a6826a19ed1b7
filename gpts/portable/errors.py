"""Why something cannot be imported."""


class NotImportable(ValueError):
    """This cannot be imported. The message names what is wrong, for the person who imports it."""
