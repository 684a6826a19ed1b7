"""Where the commands get the passphrase: BACKUP_PASSPHRASE, a file named by BACKUP_PASSPHRASE_FILE, or a prompt.

Never an argument: other users of the machine can read those.
"""

import sys
from getpass import getpass

from django.conf import settings
from django.core.management.base import CommandError


def passphrase(*, is_new: bool) -> str:
    """The passphrase, asked for twice if it `is_new`. Raises CommandError."""
    if settings.BACKUP_PASSPHRASE:
        return str(settings.BACKUP_PASSPHRASE)
    if not sys.stdin.isatty():
        raise CommandError("Set BACKUP_PASSPHRASE or BACKUP_PASSPHRASE_FILE, or run this in a terminal.")
    given = getpass("Passphrase of the backup: ")
    if is_new and getpass("Once more: ") != given:
        raise CommandError("The two differ.")
    return given
