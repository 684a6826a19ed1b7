"""Template tags of the Create tab: the conversation with the builder, and what it filled in."""

from dataclasses import dataclass
from typing import Any, Final

from django import template
from django.template.context import RequestContext
from django.utils.translation import gettext, gettext_noop

from gpts.knowledge.sentences import sentence_spans
from gpts.spec.capabilities import CAPABILITIES
from gpts.spec.gpt import UNTITLED
from web.builder.categories import OTHER, title_of
from web.builder.changes import pieces
from web.builder.models import Gpt
from web.chat.turns import Turn, turns
from web.runs import building, drafts
from web.runs.branches import Branches
from web.runs.models_drafts import DraftChange

register = template.Library()
SUGGESTIONS: Final = {
    "files": ("knowledge", gettext_noop("Add files")),
    "actions": ("actions", gettext_noop("Add actions")),
}
TEXTS: Final = ("description", "instructions")


@dataclass(frozen=True, slots=True)
class ChangedField:
    """A field of a change as the page shows it: pieces as in `Change`, those that stay as "…".

    Of a field that was empty, the one piece has the kind "all".
    """

    name: str
    label: str
    pieces: tuple[tuple[str, str], ...]


@register.simple_tag(takes_context=True)
def builder_talk(context: RequestContext, gpt: Gpt) -> dict[str, Any]:
    """The person's conversation that builds `gpt`."""
    conversation = building.conversation_of(context["user"], gpt)
    shown: list[Turn] = []
    if conversation:
        branches = Branches(conversation)
        shown = turns(conversation, branches, branches.up_to(branches.shown))
    spec = drafts.builder_spec()
    spec = spec.model_copy(update={"name": gettext(spec.name)})
    return {"conversation": conversation, "turns": shown, "spec": spec}


@register.filter
def changed_fields(change: DraftChange) -> list[ChangedField]:
    """What differs in each field of the change; once it is undone, the other way round."""
    old, new = (change.after, change.before) if change.undone else (change.before, change.after)
    return [
        ChangedField(name, gettext(drafts.FIELDS[name]), _differences(name, old[name], new[name]))
        for name in change.after
    ]


@register.filter
def suggestions(change: DraftChange) -> list[tuple[str, str]]:
    """What the creator should add: the place in the form, and the words of a link to it."""
    return [(place, gettext(words)) for place, words in map(SUGGESTIONS.__getitem__, change.suggested)]


def _differences(name: str, old: Any, new: Any) -> tuple[tuple[str, str], ...]:
    if name == "only_from_knowledge":
        return (("all", gettext("On") if new else gettext("Off")),)
    before, after = [] if old in (UNTITLED, OTHER) else _parts(name, old), _parts(name, new)
    if not before:
        return (("all", new if name in TEXTS else "\n".join(after)),)
    found = pieces([f"{part}\n" for part in before], [f"{part}\n" for part in after])
    shown = ((kind, "…" if kind == "same" else text.rstrip("\n")) for kind, text in found)
    return tuple(each for each in shown if each[0] != "same" or name in TEXTS)


def _parts(name: str, value: Any) -> list[str]:
    """What of a field's value stays or goes as a whole."""
    match name:
        case "capabilities":
            return [gettext(CAPABILITIES[key].title) if key in CAPABILITIES else key for key in value]
        case "starters":
            return list(value)
        case "description" | "instructions":
            return [value[span.start : span.end] for span in sentence_spans(value)]
        case "category":
            return [title_of(value)]
        case _:
            return [value]
