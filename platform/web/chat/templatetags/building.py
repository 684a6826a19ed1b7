"""Template tags of the Create tab: the conversation with the builder, and what it filled in."""

from dataclasses import dataclass
from typing import Any, Final

from django import template
from django.template.context import RequestContext
from django.utils.translation import gettext, gettext_noop

from gpts.spec.capabilities import CAPABILITIES
from web.builder.categories import title_of
from web.builder.models import Gpt
from web.chat.turns import Turn, turns
from web.operate.services import current_model
from web.runs import building, drafts
from web.runs.branches import Branches
from web.runs.models_drafts import DraftChange

register = template.Library()
SUGGESTIONS: Final = {
    "files": ("knowledge", gettext_noop("Add files")),
    "actions": ("actions", gettext_noop("Add actions")),
}
# Characters shown of a field; all of it is in the form.
SHOWN_CHARS: Final = 600


@dataclass(frozen=True, slots=True)
class ChangedField:
    """A field of a change as the page shows it."""

    name: str
    label: str
    text: str


@register.simple_tag(takes_context=True)
def builder_talk(context: RequestContext, gpt: Gpt) -> dict[str, Any]:
    """The person's conversation that builds `gpt`. `guided`: the site's model fills in nothing by itself."""
    conversation = building.conversation_of(context["user"], gpt)
    shown: list[Turn] = []
    if conversation:
        branches = Branches(conversation)
        shown = turns(conversation, branches, branches.up_to(branches.shown))
    record = current_model()
    guided = record is not None and record.known().get("calls_tools") is False
    return {"conversation": conversation, "turns": shown, "spec": drafts.builder_spec(), "guided": guided}


@register.filter
def changed_fields(change: DraftChange) -> list[ChangedField]:
    """The fields of the change, with their new values in words."""
    return [
        ChangedField(name, gettext(drafts.FIELDS[name]), _in_words(name, change.before[name], value))
        for name, value in change.after.items()
    ]


@register.filter
def suggestions(change: DraftChange) -> list[tuple[str, str]]:
    """What the creator should add: the place in the form, and the words of a link to it."""
    return [(place, gettext(words)) for place, words in map(SUGGESTIONS.__getitem__, change.suggested)]


def _in_words(name: str, before: Any, value: Any) -> str:
    match name:
        case "only_from_knowledge":
            text = gettext("On") if value else gettext("Off")
        case "capabilities":
            text = ", ".join(gettext(CAPABILITIES[key].title) for key in value if key in CAPABILITIES) or gettext(
                "None"
            )
        case "category":
            text = title_of(value)
        case "starters":
            text = "\n".join(value) or gettext("None")
        case "instructions" if before:
            old = before.split("\n")
            text = "\n".join(line for line in value.split("\n") if line not in old) or value
        case _:
            text = value
    return (text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…") or gettext("Empty")
