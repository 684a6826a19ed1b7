"""What the builder, which makes a GPT by conversation, reads of a draft, writes to it, and how that is undone.

It changes a field only if the draft still holds what it read at the start of its turn: what the person typed into the
form meanwhile stays.
"""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from gpts.runs.background import Background, Draft
from gpts.safety.invisible_characters import visible
from gpts.spec.capabilities import CAPABILITIES
from gpts.spec.gpt import GptSpec
from web.accounts.models import User
from web.builder.categories import categories
from web.builder.models import Gpt
from web.builder.services import update_gpt
from web.runs.errors import Refused
from web.runs.models import Conversation, Run
from web.runs.models_drafts import DraftChange
from web.runs.stream import missing_capabilities

SPEC: Final = Path(__file__).parents[1] / "builder" / "builder.toml"
# What it can change, with the labels of the form.
FIELDS: Final = {
    "name": gettext_noop("Name"),
    "description": gettext_noop("Description"),
    "instructions": gettext_noop("Instructions"),
    "starters": gettext_noop("Conversation starters"),
    "category": gettext_noop("Category"),
    "capabilities": gettext_noop("Capabilities"),
    "only_from_knowledge": gettext_noop("Answer only from knowledge"),
}
# A small model that is not told refuses to go on (Qwen2.5-Coder-1.5B, 2026-11).
NEXT: Final = (
    "The person sees it. Now tell them in one sentence what you filled in or removed, answer what they asked, and "
    "ask one question."
)
UNCHANGED: Final = "Nothing was changed: the draft has these values already. Don’t claim a change. Answer the person."
NOT_FOUND: Final = "Nothing was changed: the instructions don’t have “{find}”. They are now:\n{text}"
FOUND_TWICE: Final = "Nothing was changed: the instructions have “{find}” {n} times. Give more of the text around it."
CHANGED_MEANWHILE: Final = (
    "Not changed, because the person edited it in the form since their message: {names}. The draft now has {values}. "
    "Ask them before you replace it."
)


class ChangedSince(Refused):
    """You changed these fields since then, so this can’t be undone. Edit them under Configure."""

    status = 409


@cache
def builder_spec(engine: str = "") -> GptSpec:
    """The site's own GPT that makes others, with the model that the other names."""
    fields = tomllib.loads(SPEC.read_text("utf-8"))
    return GptSpec.model_validate({"slug": "gpt-builder", **fields, "model": {**fields["model"], "engine": engine}})


def with_draft(background: Background, conversation: Conversation) -> Background:
    """`background` with the draft as it is now, if the conversation builds it."""
    if conversation.origin != Conversation.Origin.BUILDER:
        return background
    return background.model_copy(update={"draft": draft_of(Gpt.objects.get(id=conversation.gpt_id))})


def draft_of(gpt: Gpt) -> Draft:
    """The draft as the builder reads it."""
    missing = missing_capabilities()
    return Draft(
        **{name: getattr(gpt, name) for name in FIELDS},
        n_files=gpt.files.filter(removed=None).count(),
        categories=tuple(categories().items()),
        offered=tuple((key, gettext(each.title)) for key, each in CAPABILITIES.items() if key not in missing),
    )


def write(run: Run, call_id: str, fields: Mapping[str, Any], read: Draft | None) -> str:
    """What came of changing the draft that `run` builds, for the model. `read`: the draft as the run read it.

    Raises Refused if the run builds none, its owner may not edit the GPT, or nothing can be changed.
    """
    edits = fields.get("instruction_edits") or ()
    suggested = [each for each in ("files", "actions") if each in (fields.get("suggest") or ())]
    with transaction.atomic():
        gpt = (
            Gpt.objects.editable_by(run.owner).select_for_update().filter(id=run.message.conversation.gpt_id).first()
        )
        if gpt is None or read is None or run.message.conversation.origin != Conversation.Origin.BUILDER:
            raise Refused("There is no draft here that you can change.")
        wanted = {name: _cleaned(fields[name]) for name in FIELDS if name in fields}
        before = {name: getattr(gpt, name) for name in FIELDS}
        kept = [name for name in wanted if before[name] != _known(run, read, name) and before[name] != wanted[name]]
        if edits and "instructions" not in kept:
            wanted["instructions"] = _cleaned(edited(wanted.get("instructions", gpt.instructions), edits))
        after = {name: value for name, value in wanted.items() if name not in kept and before[name] != value}
        if after:
            _save(gpt, after, run.owner)
        if after or suggested:
            DraftChange.objects.create(
                gpt=gpt,
                run=run,
                call_id=call_id,
                before={name: before[name] for name in after},
                after=after,
                suggested=suggested,
            )
    return _outcome(after, {name: before[name] for name in kept}, suggested)


def edited(text: str, edits: Iterable[Mapping[str, str]]) -> str:
    """`text` with each `find` of the edits, which is in it once, replaced; without a `find`, a line is added.

    Raises Refused.
    """
    for edit in edits:
        find, new = edit.get("find", ""), edit.get("replace", "")
        if not find:
            text = f"{text}\n{new}"
        elif (n := text.count(find)) == 1:
            text = text.replace(find, new)
        else:
            raise Refused((FOUND_TWICE if n else NOT_FOUND).format(find=find, n=n, text=text))
    return text


def _cleaned(value: Any) -> Any:
    """A value that a model wrote, without what no form sends."""
    if isinstance(value, str):
        return visible(value).strip()
    return [_cleaned(each) for each in value] if isinstance(value, list) else value


def _known(run: Run, read: Draft, name: str) -> Any:
    """The field as the run knows it: as it read it, or wrote it since."""
    changes = DraftChange.objects.filter(run=run).order_by("-id")
    written = (change.values[name] for change in changes if name in change.after)
    return next(written, read.fields()[name])


def _save(gpt: Gpt, fields: dict[str, Any], by: User) -> None:
    try:
        update_gpt(gpt, fields, by=by)
    except ValidationError as error:
        wrong = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
        raise Refused("Nothing was changed. " + " ".join(f"{k}: {' '.join(v)}" for k, v in wrong.items())) from error


def _outcome(after: Mapping[str, Any], kept: Mapping[str, Any], suggested: list[str]) -> str:
    if kept:
        values = "; ".join(f"{name}: {value!r}" for name, value in kept.items())
        told = CHANGED_MEANWHILE.format(names=", ".join(kept), values=values)
        if not after:
            raise Refused(told)
        return f"Changed: {', '.join(after)}. {told}"
    if after:
        return f"Changed: {', '.join(after)}. {NEXT}"
    return f"Suggested. {NEXT}" if suggested else UNCHANGED


def access_change(gpt: Gpt, change_id: int) -> DraftChange:
    """A change of the draft of `gpt`, which must come from `access_draft`. Raises Http404."""
    change = DraftChange.objects.filter(gpt=gpt, id=change_id).select_related("gpt").first()
    if change is None:
        raise Http404("Change not found.")
    return change


def revert(change: DraftChange, by: User) -> DraftChange:
    """Undo the change, or make it again if it was undone. Raises ChangedSince if a field was changed since."""
    with transaction.atomic():
        gpt = Gpt.objects.select_for_update().get(id=change.gpt_id)
        change.refresh_from_db()
        if any(getattr(gpt, name) != value for name, value in change.values.items()):
            raise ChangedSince
        _save(gpt, change.after if change.undone else change.before, by)
        change.undone = None if change.undone else timezone.now()
        change.save(update_fields=["undone"])
    return change
