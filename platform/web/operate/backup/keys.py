"""The site's secret keys in a backup, encrypted with a passphrase (scrypt, AES-256-GCM).

They are bound to the manifest: whoever changes it, or a file whose checksum it has, needs the passphrase.
"""

import json
import os
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from web.operate.backup.errors import BackupError

# OWASP's password storage cheat sheet: 128 MiB and about half a second. They belong to the archive's format, so that
# an archive cannot ask for any amount of memory.
_COST: Final = {"n": 2**17, "r": 8, "p": 1}
MIN_PASSPHRASE_CHARS: Final = 8


@dataclass(frozen=True, slots=True)
class SiteKeys:
    """SECRET_KEY and SECRETS_KEYS."""

    secret_key: str
    secrets_keys: tuple[str, ...]


def seal_keys(keys: SiteKeys, passphrase: str, manifest: bytes) -> bytes:
    """The keys as JSON that only the passphrase opens, and only beside this manifest."""
    salt, nonce = os.urandom(16), os.urandom(12)
    sealed = AESGCM(_derived(passphrase, salt)).encrypt(nonce, json.dumps(asdict(keys)).encode(), manifest)
    parts = {"salt": salt, "nonce": nonce, "sealed": sealed}
    return json.dumps({name: b64encode(value).decode() for name, value in parts.items()}).encode()


def unseal_keys(text: bytes, passphrase: str, manifest: bytes) -> SiteKeys:
    """The keys. Raises BackupError for another passphrase or a changed manifest, which cannot be told apart."""
    try:
        salt, nonce, sealed = (b64decode(json.loads(text)[name]) for name in ("salt", "nonce", "sealed"))
        opened = json.loads(AESGCM(_derived(passphrase, salt)).decrypt(nonce, sealed, manifest))
        return SiteKeys(opened["secret_key"], tuple(opened["secrets_keys"]))
    except (InvalidTag, ValueError, KeyError, TypeError):
        raise BackupError("Wrong passphrase, or somebody changed the archive.") from None


def _derived(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, **_COST).derive(passphrase.encode())
