"""Copies of GPTs: a new draft with everything of another, but no secrets. Files are shared by content, so at once."""

from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext

from gpts.spec.gpt import NAME_CHARS
from web.accounts import quotas
from web.accounts.models import User
from web.builder.actions import outside
from web.builder.files import queue_indexing
from web.builder.forms import DRAFT_FIELDS
from web.builder.models import DelegateRow, Gpt
from web.builder.models_actions import McpServerRow, Outside, RemoteAgentRow
from web.builder.models_files import KnowledgeFile
from web.builder.services import UNLISTED, WITHDRAWN, create_gpt
from web.engines import offered

# Of a row, what belongs to it alone.
_OWN: Final = ("id", "gpt_id", "created", "removed", "secret", "secret_host", "replaces_id", "claimed_until", "woken")
# Of a file that a source keeps in step, what says so: a copy is a file of its own.
_OF_SOURCES: Final = ("source_id", "from_source")


def duplicate(user: User, gpt: Gpt) -> Gpt:
    """A new draft of `user` with the draft of `gpt`, which must come from `access_settings`.

    Raises QuotaExceeded. What another person's copy may not take over is left out, and `imported` says so.
    """
    fields = {name: getattr(gpt, name) for name in (*DRAFT_FIELDS, "picture")}
    notes = []
    if fields["engine"] not in ("", *offered(user)):
        notes.append(
            gettext("The model “{name}” isn’t offered to you: choose another in the model settings.").format(
                name=fields["engine"]
            )
        )
        fields["engine"] = ""
    if sources := ", ".join(map(str, gpt.sources.all())):
        notes.append(
            gettext("Its files are no longer kept in step with their sources. Add these again: {sources}.").format(
                sources=sources
            )
        )
    if gpt.withdrawn or gpt.unlisted:
        notes.append(gettext(WITHDRAWN if gpt.withdrawn else UNLISTED))
    named = gettext("{name} (copy)")
    fields["name"] = named.format(name=gpt.name[: NAME_CHARS - len(named.format(name=""))])
    with transaction.atomic():
        copy = create_gpt(user, fields)
        # With the same time, by which stewardship frees both: a copy is no way around a decision.
        copy.withdrawn, copy.unlisted = gpt.withdrawn, gpt.unlisted
        copy.save(update_fields=["withdrawn", "unlisted"])
        _copy_files(gpt, copy)
        for rows in outside(gpt):
            for row in rows.filter(removed=None):
                _copy_service(row, copy, is_own=gpt.owner_id == user.pk)
        _copy_delegates(gpt, copy)
        if notes or keyless(copy):
            copy.imported = {"origin": gettext("Copied from {name}.").format(name=gpt.name), "notes": notes}
            copy.save(update_fields=["imported"])
    return copy


def _fields(row: Any) -> dict[str, Any]:
    names = {each.attname for each in row._meta.concrete_fields} - {*_OWN, *_OF_SOURCES}
    return {name: getattr(row, name) for name in names}


def _copy_files(gpt: Gpt, copy: Gpt) -> None:
    """Rows for the same contents, with what was read and decided. A file that is being read is read again."""
    files = gpt.files.filter(removed=None)
    quotas.check_storage(copy.owner_id, files.aggregate(n=Sum("size", default=0))["n"])
    copies: dict[UUID, KnowledgeFile] = {}
    for file in files:
        copies[file.id] = KnowledgeFile(gpt=copy, **_fields(file))
        copies[file.id].replaces = copies.get(file.replaces_id) if file.replaces_id else None
        if file.status not in KnowledgeFile.SETTLED:
            copies[file.id].status = KnowledgeFile.Status.RECEIVED
        copies[file.id].save()
        if copies[file.id].status == KnowledgeFile.Status.RECEIVED:
            queue_indexing(copies[file.id])


def _copy_service(row: Outside, copy: Gpt, is_own: bool) -> None:
    """The service without its secret. That its creator trusts it counts for them only."""
    made = type(row)(gpt=copy, **_fields(row))
    if isinstance(made, McpServerRow):
        made.trusted = made.trusted and is_own
    if isinstance(made, RemoteAgentRow):
        made.read_only = made.read_only and is_own
    made.save()


def _copy_delegates(gpt: Gpt, copy: Gpt) -> None:
    seen = Gpt.objects.chattable_by(copy.owner)
    for row in gpt.delegates.filter(delegate__in=seen):
        DelegateRow.objects.create(gpt=copy, delegate_id=row.delegate_id, when=row.when, seen=row.seen)


def keyless(gpt: Gpt) -> list[str]:
    """The services of the draft whose key or client secret is missing."""
    rows = (row for rows in outside(gpt) for row in rows.filter(removed=None, secret="").exclude(auth="none"))
    return [row.name for row in rows]
