"""A chat of another system as a tree of messages, and as the messages and answers that this site keeps.

Here an answer belongs to one message, and a message follows one answer. Other systems have chains of any roles, so
everything between two messages of the person becomes one answer; a fork in it makes several answers.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

# Each fork within an answer repeats what was said before it, and the log of each answer its message.
MAX_CHARS: Final = 50_000_000
# Messages and answers.
MAX_ROWS: Final = 20_000
# "" is for what nobody saw: it is passed over, and what follows it stays in its place.
Role = Literal["user", "assistant", ""]


@dataclass(frozen=True, slots=True)
class Node:
    """A message of the other system. `created` is in seconds since 1970; None if unknown.

    `pictures` are the ids of those that it shows.
    """

    id: str
    parent: str | None
    role: Role
    text: str = ""
    created: float | None = None
    # Not in the digest of a chat: most exports come without their bytes.
    pictures: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat of `source`, by its id there. `current` is the last message of the branch that was shown.

    `n_left_out` counts its pictures, recordings and files, which only their names are kept of.
    """

    source: str
    id: str
    title: str
    nodes: tuple[Node, ...]
    current: str | None = None
    created: float | None = None
    updated: float | None = None
    archived: bool = False
    n_left_out: int = 0


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message of the person. `after` is the index of the answer that it follows; None for the first."""

    text: str
    created: float | None
    after: int | None
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to the message with the index `message`; empty if there was none."""

    text: str
    created: float | None
    message: int


@dataclass(slots=True)
class Branches:
    """The messages and answers of a chat, each after what it refers to. `shown` ends the branch that was shown."""

    messages: list[SentMessage] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    shown: int | None = None
    n_chars: int = 0


class _Reached:
    """How far a branch has come at one node: the message to be answered, and what was said since, back to front."""

    __slots__ = ("answer", "before", "created", "length", "message", "text")

    def __init__(
        self, message: int | None, created: float | None = None, text: str = "", before: "_Reached | None" = None
    ) -> None:
        self.message, self.created, self.text, self.before = message, created, text, before
        self.length: int = len(text) + (before.length if before else 0)
        self.answer: int | None = None

    def close(self, into: Branches) -> int | None:
        """The index of the answer that ends here, made only once; None before the first message."""
        if self.answer is None and self.message is not None:
            into.n_chars += self.length + len(into.messages[self.message].text)
            if into.n_chars > MAX_CHARS or len(into.messages) + len(into.answers) >= MAX_ROWS:
                raise ValueError("a chat with too many forks or messages")
            self.answer = len(into.answers)
            into.answers.append(Answer(self._whole(), self.created, self.message))
        return self.answer

    def _whole(self) -> str:
        parts: list[str] = []
        at: _Reached | None = self
        while at:
            parts.append(at.text)
            at = at.before
        return "\n\n".join(part for part in reversed(parts) if part)


def branches_of(chat: Chat) -> Branches:
    """The chat as this site keeps it. Nodes that no root leads to are left out.

    Raises ValueError for one with more than MAX_ROWS, or MAX_CHARS with what forks repeat.
    """
    found = Branches()
    children = _children(chat.nodes)
    last = _Reached(None)
    waiting = [(node, _Reached(None)) for node in reversed(children[None])]
    shown: _Reached | None = None
    while waiting:
        node, before = waiting.pop()
        here = last = _reached(node, before, found)
        shown = here if node.id == chat.current else shown
        below = children[node.id]
        if not below:
            here.close(found)
        waiting += [(child, here) for child in reversed(below)]
    found.shown = (shown or last).close(found)
    return found


def _children(nodes: Iterable[Node]) -> dict[str | None, list[Node]]:
    """The nodes below each, oldest first; a node whose parent is missing is a root. Ids are taken once."""
    known = {node.id: node for node in nodes}
    found: dict[str | None, list[Node]] = defaultdict(list)
    for node in known.values():
        found[node.parent if node.parent in known and node.parent != node.id else None].append(node)
    for below in found.values():
        below.sort(key=lambda node: node.created if node.created is not None else float("inf"))
    return found


def _reached(node: Node, before: _Reached, into: Branches) -> _Reached:
    match node.role:
        case "user":
            into.messages.append(SentMessage(node.text, node.created, before.close(into), node.pictures))
            return _Reached(len(into.messages) - 1, node.created)
        case "assistant" if node.text:
            message = before.message
            if message is None:  # the other system spoke first
                into.messages.append(SentMessage("", node.created, None))
                message = len(into.messages) - 1
            return _Reached(
                message, node.created or before.created, node.text, before if before.message is not None else None
            )
    return before


def seconds(value: Any) -> float | None:
    """A time in seconds since 1970, of seconds, milliseconds or nanoseconds; None for anything else.

    Years before 2001 and after 2100 are no times of chats.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    for scale in (1, 1e3, 1e9):
        if 978_307_200 <= value / scale <= 4_102_444_800:
            return value / scale
    return None
