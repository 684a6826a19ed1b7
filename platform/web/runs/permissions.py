"""Permanent permissions: one tool of one GPT at one host, while it does the same, until the person revokes it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext

from gpts.runs.steps import ApprovalRequest
from gpts.safety.policy import Mode, Standing, still_allowed
from gpts.spec.tools import ToolSpec
from web.accounts import audit
from web.accounts.models import User
from web.builder.models import Gpt
from web.runs.models import Permission


def allow_always(user: User, gpt: Gpt, request: ApprovalRequest) -> None:
    """Let `gpt` make calls like the requested one for `user` without asking, as long as the tool does the same."""
    facts = {"title": request.title[:300], "binding": request.binding}
    Permission.objects.update_or_create(user=user, gpt=gpt, tool=request.name, host=request.host, defaults=facts)
    audit.record(audit.Act.PERMISSION_GIVEN, user, gpt, tool=request.name, host=request.host)


def permissions_of(user: Any) -> QuerySet[Permission]:
    """The permissions of `user`, newest first."""
    return Permission.objects.filter(user=user).select_related("gpt__published").order_by("-created")


def revoke(user: Any, permission_id: int) -> None:
    """Delete a permission. Raises Http404 unless it is `user`'s own."""
    permission = Permission.objects.filter(user=user, id=permission_id).select_related("gpt").first()
    if permission is None:
        raise Http404(gettext("Permission not found."))
    permission.delete()
    audit.record(audit.Act.PERMISSION_ENDED, user, permission.gpt, tool=permission.tool, host=permission.host)


def standing(user_id: int, gpt_id: UUID, tools: Mapping[str, ToolSpec], mode: Mode) -> Standing:
    """The permanent permissions that apply in a run with these tools, for the approval policy."""
    rows = Permission.objects.filter(user=user_id, gpt=gpt_id).values_list("tool", "host", "binding")
    return Standing(always=still_allowed(rows, tools), mode=mode)
