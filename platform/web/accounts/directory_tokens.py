"""Tokens of directories: what a SCIM client sends, and nothing else takes."""

import secrets
from typing import Final

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from web.accounts import audit
from web.accounts.models import User, digest
from web.accounts.models_directory import DirectoryToken
from web.accounts.services import note_use

PREFIX: Final = "ghscim_"
DOOR: Final = "/scim/"


@transaction.atomic
def create(by: User | None, name: str) -> tuple[DirectoryToken, str]:
    """A new token and its secret, which is not stored."""
    secret = PREFIX + secrets.token_urlsafe(32)
    token = DirectoryToken.objects.create(name=name, prefix=secret[: len(PREFIX) + 6], hash=digest(secret))
    audit.record(audit.Act.SCIM_TOKEN_CREATED, by, token, prefix=token.prefix)
    return token, secret


@transaction.atomic
def withdraw(token_id: int, by: User | None) -> bool:
    """End a token at once. Whether there was one that was not withdrawn."""
    if not DirectoryToken.objects.filter(id=token_id, withdrawn=None).update(withdrawn=timezone.now()):
        return False
    token = DirectoryToken.objects.get(id=token_id)
    audit.record(audit.Act.SCIM_TOKEN_WITHDRAWN, by, token, prefix=token.prefix)
    return True


def token_of(request: HttpRequest) -> int | None:
    """The id of the live token in `Authorization: Bearer …` of a request below /scim/, or None. Notes its use."""
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not request.path.startswith(DOOR):
        return None
    token = DirectoryToken.objects.filter(hash=digest(secret.strip()), withdrawn=None).first()
    if token is None:
        return None
    note_use(token)
    return token.pk
