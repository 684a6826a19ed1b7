"""Who calls the MCP server, and which GPTs are offered to them."""

import hashlib
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import QuerySet
from mcp.server import ServerRequestContext

from web.accounts.models import User
from web.builder.models import Gpt

CALLER: Final = "caller"  # the key of the caller in the ASGI scope of a request

Context = ServerRequestContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """The owner of the key or token of a request, `secret_id`; `may_approve` if the key may.

    `only`: slugs of GPTs, empty for all.
    """

    user: User
    secret_id: str
    may_approve: bool
    only: tuple[str, ...] = ()

    def gpts(self) -> "QuerySet[Gpt]":
        """The published GPTs that are offered, oldest first."""
        found = Gpt.objects.chattable_by(self.user).filter(published__isnull=False)
        return (found.filter(slug__in=self.only) if self.only else found).order_by("created", "id")

    def fingerprint(self) -> str:
        """A digest that changes when what is offered does; empty for someone whose account was deactivated."""
        if not User.objects.filter(id=self.user.pk, is_active=True).exists():
            return ""
        rows = self.gpts().values_list("id", "published", "owner__name", "files_downloadable")
        return hashlib.sha256(repr(list(rows)).encode()).hexdigest()


def caller_of(context: Context) -> Caller:
    """The caller of the request that is being handled."""
    assert context.request is not None
    caller: Caller = context.request.scope[CALLER]
    return caller
