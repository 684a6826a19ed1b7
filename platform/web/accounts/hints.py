"""Hints for what a person does for the first time, each shown until they dismiss it."""

from collections.abc import Collection
from typing import Final, Literal, get_args

from django.db import transaction

from web.accounts.models import User

Hint = Literal["creator", "chatter"]
HINTS: Final[tuple[Hint, ...]] = get_args(Hint)


def dismiss(user: User, name: str) -> None:
    """Show `user` this hint no more."""
    with transaction.atomic():
        now = User.objects.select_for_update().get(id=user.id)
        now.hints_seen = [each for each in HINTS if each in now.hints_seen or each == name]
        now.save(update_fields=["hints_seen"])


def keep_seen(user: User, names: Collection[str]) -> None:
    """Show `user` exactly the other hints."""
    user.hints_seen = [each for each in HINTS if each in names]
    user.save(update_fields=["hints_seen"])
