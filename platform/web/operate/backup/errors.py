"""Why a backup was not made or not restored, for the operator."""


class BackupError(Exception):
    """Nothing was changed."""
