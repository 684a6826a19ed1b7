"""Copies of a branch of a conversation, as a chat of its own: nothing that happens in one reaches the other."""

import json
from typing import Any, Final, cast
from uuid import UUID

from django.db import transaction

from gpts.runs.steps import FileRef, Step, ToolResult, UserMessage, load_step
from web.accounts import quotas
from web.runs import files
from web.runs.branches import Branches
from web.runs.errors import over_quota
from web.runs.models import Conversation, Message, Run, StepRow

# Of a row with its indexes, besides its texts (measured 2026-12).
ROW_BYTES: Final = 700


def fork(conversation: Conversation, run_id: UUID) -> Conversation:
    """A new chat of the same person that goes as far as this run. Raises Http404, StillAnswering, OverQuota.

    Sandbox sessions and child runs stay with the first chat; what they gave is in the log.
    """
    with transaction.atomic():
        branches = Branches(conversation)
        branches.check(run_id)
        same = {
            name: getattr(conversation, name)
            for name in ("gpt", "version", "owner", "origin", "guest", "title", "project", "inputs")
        }
        path = branches.up_to(run_id)
        copy = Conversation.objects.create(n_bytes=checked_bytes(conversation.owner_id, path), **same)
        after, moved = None, dict[str, str]()
        for run in in_order(path):
            after = _copy_turn(run, copy, after, moved)
        copy.shown = after
        copy.save(update_fields=["shown"])
    return copy


def checked_bytes(person: int, path: list[UUID]) -> int:
    """What a copy of these runs takes of the storage of its owner, which it fits in. Raises OverQuota."""
    steps = StepRow.objects.filter(run__in=path).values_list("data", flat=True)
    sizes = [len(json.dumps(data, ensure_ascii=False).encode(errors="replace")) for data in steps.iterator()]
    n_bytes = sum(sizes) + ROW_BYTES * (len(sizes) + 2 * len(path))
    with over_quota():
        quotas.lock(person)
        quotas.check_storage(person, n_bytes)
    return n_bytes


def in_order(ids: list[UUID]) -> list[Run]:
    """The runs with these ids, with their messages and versions, in the order of the ids."""
    runs = Run.objects.select_related("message", "version__gpt").in_bulk(ids)
    return [runs[id] for id in ids]


def copy_of(run: Run, into: Conversation, after: Run | None, n_steps: int) -> Run:
    """A run like `run`, and its message, still without its log of `n_steps`. It has cost no tokens."""
    message = Message.objects.create(conversation=into, text=run.message.text, after=after)
    facts = {name: getattr(run, name) for name in ("version", "status", "ended")}
    copy = Run.objects.create(message=message, owner=into.owner, n_steps=n_steps, **facts)
    Run.objects.filter(id=copy.id).update(created=run.created)
    return copy


def _copy_turn(run: Run, into: Conversation, after: Run | None, moved: dict[str, str]) -> Run:
    """The copy of a run with its log. `moved` are the ids of the copies of files."""
    copy = copy_of(run, into, after, run.n_steps)
    copies = []
    for row in StepRow.objects.filter(run=run):
        _copy_files(load_step(row.data), copy, moved)
        same = {name: getattr(row, name) for name in ("seq", "kind", "call_id")}
        copies.append(StepRow(run=copy, data=_moved(row.data, moved), **same))
    StepRow.objects.bulk_create(copies)
    return copy


def _copy_files(step: Step, run: Run, moved: dict[str, str]) -> None:
    """Copy the files of a step into the run's conversation, and note their new ids."""
    match step:
        case UserMessage(files=refs):
            maker = None
        case ToolResult(files=made, app=app):
            refs, maker = (*made, *((FileRef(id=app.file_id, name="app"),) if app else ())), run
        case _:
            return
    for ref in refs:
        for copy in files.pass_on([ref], run.message.conversation, maker):
            moved[ref.id] = copy.id


def _moved(data: dict[str, Any], moved: dict[str, str]) -> dict[str, Any]:
    """A step that names the copies of files: as attachments, in passages and in citations."""
    text = json.dumps(data)
    for old, new in moved.items():
        text = text.replace(old, new)
    return cast(dict[str, Any], json.loads(text))
