"""Secrets of creators and people (API keys, tokens) as they lie in the database: encrypted, and bound to their row.

A sealed text opens only for the very row and owner that it was sealed for, so that one copied into another row is
worthless. Keys come from SECRETS_KEYS (newest first) and SECRET_KEY; whatever was sealed under one of them opens, new
texts are sealed under the first. To replace SECRET_KEY, put the old one into SECRETS_KEYS; to replace a key of
SECRETS_KEYS, put the new one before it.
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
    """The sealed text cannot be opened: its key is gone, or it belongs to another row."""


def seal(text: str, bound_to: str) -> str:
    """`text` encrypted for the row that `bound_to` names ("action:<id>:<owner>")."""
    return _keys().encrypt(json.dumps([bound_to, text]).encode()).decode()


def unseal(sealed: str, bound_to: str) -> str:
    """What was sealed. Raises SecretLost."""
    try:
        belongs_to, text = json.loads(_keys().decrypt(sealed.encode()))
    except (InvalidToken, ValueError):
        raise SecretLost("This secret can’t be decrypted. Enter it again.") from None
    if belongs_to != bound_to:
        raise SecretLost("This secret belongs to something else.")
    return str(text)


def _keys() -> MultiFernet:
    return MultiFernet([_fernet(key) for key in (*settings.SECRETS_KEYS, settings.SECRET_KEY)])


def _fernet(key: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
