"""The differences between two versions of a GPT, field by field."""

import difflib
import re
from dataclasses import dataclass
from typing import Any

from gpts.spec.actions import host_of
from gpts.spec.capabilities import CAPABILITIES
from gpts.spec.gpt import GptSpec
from web.builder.models import Gpt, GptVersion, KnowledgeFile

# Words with the space after them, so that a changed word does not mark the whole line.
PIECE = re.compile(r"\S+\s*|\s+")


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs. `pieces` are (kind, text) in order; the kind is "same", "gone" or "new"."""

    label: str
    words: str
    pieces: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Published:
    """A published version and its changes from the one before; the first one has none."""

    version: GptVersion
    changes: tuple[Change, ...]


def history(gpt: Gpt) -> list[Published]:
    """The published versions of `gpt`, newest first."""
    versions = list(gpt.versions.filter(number__isnull=False).order_by("number"))
    specs = [version.spec() for version in versions]
    befores = [None, *specs][: len(specs)]
    pairs = zip(versions, befores, specs, strict=True)
    return [Published(v, differences(old, new) if old else ()) for v, old, new in pairs][::-1]


def draft_changed(gpt: Gpt) -> bool:
    """Whether the draft, including files being read, differs from the published version; True if there is none."""
    if gpt.published is None:
        return True
    unready = gpt.files.filter(removed=None).exclude(status=KnowledgeFile.Status.READY)
    return gpt.published.spec() != gpt.draft_spec() or unready.exists()


def differences(old: GptSpec, new: GptSpec) -> tuple[Change, ...]:
    """Every field in which `new` differs from `old`."""
    texts = [text_change(label, getattr(old, name), getattr(new, name)) for label, name in TEXTS]
    texts += [text_change(f"When to ask {slug}", *lines) for slug, *lines in _lines_of_both(old, new)]
    lists = [
        list_change("Conversation starters", list(old.starters), list(new.starters)),
        list_change("Knowledge", [ref.name for ref in old.knowledge], [ref.name for ref in new.knowledge]),
        list_change("Actions", _operations(old), _operations(new)),
        list_change("GPTs it can ask", [each.slug for each in old.delegates], [each.slug for each in new.delegates]),
        list_change("Remote agents", _agents(old), _agents(new)),
    ]
    values = [value_change(label, read(old), read(new)) for label, read in VALUES]
    return tuple(change for change in (*texts, *lists, *values) if change)


TEXTS = (("Name", "name"), ("Description", "description"), ("Instructions", "instructions"))
VALUES: tuple[tuple[str, Any], ...] = (
    ("Capabilities", lambda spec: ", ".join(_titles(spec.capabilities)) or "none"),
    ("Answer only from knowledge", lambda spec: "on" if spec.only_from_knowledge else "off"),
    ("Always ask all of them", lambda spec: "on" if spec.delegates_to_all else "off"),
    ("Can ask GPTs from the store", lambda spec: "on" if spec.delegates_to_store else "off"),
    ("People can send you questions", lambda spec: "on" if spec.takes_questions else "off"),
    ("Model", lambda spec: spec.model.engine or "default"),
    ("Temperature", lambda spec: f"{spec.model.temperature:g}"),
    ("Maximum reply length", lambda spec: f"{spec.model.max_tokens} tokens"),
)


def _operations(spec: GptSpec) -> list[str]:
    operations = [f"{action.name}: {each.name}" for action in spec.actions for each in action.operations]
    return operations + [f"{server.name}: {tool.name}" for server in spec.mcp_servers for tool in server.tools]


def _lines_of_both(old: GptSpec, new: GptSpec) -> list[tuple[str, str, str]]:
    """For each GPT in both lists: its slug, and when to ask it in `old` and in `new`."""
    before = {each.slug: each.when for each in old.delegates}
    return [(each.slug, before[each.slug], each.when) for each in new.delegates if each.slug in before]


def _agents(spec: GptSpec) -> list[str]:
    return [f"{agent.name} at {host_of(agent.url)}: {agent.when}".rstrip(": ") for agent in spec.remote_agents]


def _titles(keys: tuple[str, ...]) -> list[str]:
    return [CAPABILITIES[key].title if key in CAPABILITIES else key for key in keys]


def text_change(label: str, old: str, new: str) -> Change | None:
    """The change of a text, word by word."""
    if old == new:
        return None
    words = "added" if not old else "removed" if not new else "rewritten"
    return Change(label, words, pieces(PIECE.findall(old), PIECE.findall(new)))


def list_change(label: str, old: list[str], new: list[str]) -> Change | None:
    """The change of a list: the entries added, removed or reordered."""
    if old == new:
        return None
    n_new, n_gone = len([text for text in new if text not in old]), len([text for text in old if text not in new])
    words = [f"{n_new} added"] * bool(n_new) + [f"{n_gone} removed"] * bool(n_gone) or ["reordered"]
    return Change(label, ", ".join(words), pieces([f"{text}\n" for text in old], [f"{text}\n" for text in new]))


def value_change(label: str, old: str, new: str) -> Change | None:
    """The change of a value."""
    return Change(label, f"{old} → {new}") if old != new else None


def pieces(old: list[str], new: list[str]) -> tuple[tuple[str, str], ...]:
    """The differences between `old` and `new`, as in Change."""
    laid: list[tuple[str, str]] = []
    for kind, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            laid.append(("same", "".join(old[i1:i2])))
            continue
        laid += [("gone", "".join(old[i1:i2]))] * (i2 > i1) + [("new", "".join(new[j1:j2]))] * (j2 > j1)
    return tuple(laid)
