"""Permanent permissions: one tool of one GPT at one host, until the person revokes it."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404

from gpts.safety.policy import Mode, Standing
from web.accounts.models import User
from web.builder.models import Gpt
from web.runs.models import Permission


def allow_always(user: User, gpt: Gpt, tool: str, host: str, title: str) -> None:
    """Let `gpt` call `tool` at `host` for `user` without asking."""
    Permission.objects.get_or_create(user=user, gpt=gpt, tool=tool, host=host, defaults={"title": title[:300]})


def permissions_of(user: Any) -> QuerySet[Permission]:
    """The permissions of `user`, newest first."""
    return Permission.objects.filter(user=user).select_related("gpt__published").order_by("-created")


def revoke(user: Any, permission_id: int) -> None:
    """Delete a permission. Raises Http404 unless it is `user`'s own."""
    if not Permission.objects.filter(user=user, id=permission_id).delete()[0]:
        raise Http404("Permission not found.")


def standing(user_id: int, gpt_id: UUID, hosts: dict[str, str], mode: Mode) -> Standing:
    """The permanent permissions that apply in a run, for the approval policy; `hosts` maps tool names to hosts."""
    rows = Permission.objects.filter(user=user_id, gpt=gpt_id).values_list("tool", "host")
    return Standing(always=frozenset(tool for tool, host in rows if hosts.get(tool) == host), mode=mode)
