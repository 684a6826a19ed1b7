"""Encryption of creators' and people's secrets (API keys, tokens) in the database. Each is bound to its row.

An encrypted text can only be decrypted for the row and owner that it was encrypted for, so that a copy in another row
is worthless. The keys are SECRETS_KEYS (newest first), SECRET_KEY, and those of a backup that was restored here: the
first encrypts, all decrypt. To replace SECRET_KEY, add the old one to SECRETS_KEYS; to replace a key of SECRETS_KEYS,
put the new one before it.
"""

import base64
import json
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_PURPOSE: Final = b"guildhall: secrets in the database"


class SecretLost(Exception):
    """The text can’t be decrypted: its key is missing, or it belongs to another row."""


def seal(text: str, bound_to: str) -> str:
    """`text` encrypted for the row named by `bound_to` ("action:<id>:<owner>")."""
    return _keys().encrypt(json.dumps([bound_to, text]).encode()).decode()


def unseal(sealed: str, bound_to: str) -> str:
    """The text that was sealed. Raises SecretLost."""
    try:
        belongs_to, text = json.loads(_keys().decrypt(sealed.encode()))
    except (InvalidToken, ValueError):
        raise SecretLost("This secret can’t be decrypted. Enter it again.") from None
    if belongs_to != bound_to:
        raise SecretLost("This secret belongs to something else.")
    return str(text)


def _keys() -> MultiFernet:
    return MultiFernet(
        [_fernet(key) for key in (*settings.SECRETS_KEYS, settings.SECRET_KEY, *settings.RESTORED_KEYS)]
    )


def _fernet(key: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
