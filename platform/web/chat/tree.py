"""A trace as its page shows it: each run with its status, and as a bar on a timeline."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gpts.safety.labels import Label
from web.runs.trees import Node

# Longer tasks are cut to two lines, until their reader wants all of them.
TASK_CHARS: Final = 90
MAX_AUTHORS: Final = 3
# A bar is never narrower than this share of the line, so that it can be seen.
MIN_PERCENT: Final = 1.0
STATUSES: Final = {
    "queued": ("Queued", ""),
    "in_progress": ("Working", ""),
    "requires_action": ("Waiting for approval", "warn"),
    "completed": ("Answered", "good"),
    "failed": ("Failed", "danger"),
    "cancelled": ("Stopped", ""),
    "incomplete": ("Incomplete", "warn"),
}


@dataclass(frozen=True, slots=True)
class TreeBranch:
    """A node with its place in time: `begin` and `width` of its bar in percent, `after_s` since the top was asked."""

    node: Node
    after_s: float
    begin: float
    width: float
    children: tuple["TreeBranch", ...]

    @property
    def status(self) -> str:
        """Its status in words."""
        return STATUSES[self.node.status][0]

    @property
    def tone(self) -> str:
        """The class of the status."""
        return STATUSES[self.node.status][1]

    @property
    def is_long(self) -> bool:
        """Whether its task is cut at first."""
        return len(self.node.task) > TASK_CHARS

    @property
    def rests_on(self) -> str:
        """The sources of its answer, in words; empty while there is none."""
        return rests_on(self.node.label) if self.node.label else ""

    @property
    def took(self) -> str:
        """How long it took, in words."""
        return in_words(self.node.seconds)

    @property
    def when(self) -> str:
        """When it ran, as a text alternative to its bar."""
        ended = in_words(self.after_s + self.node.seconds)
        return f"From {in_words(self.after_s)} to {ended if self.node.is_over else 'now'}"


@dataclass(frozen=True, slots=True)
class Tree:
    """All of a tree, with its sums."""

    top: Node
    branch: TreeBranch

    @property
    def _full(self) -> list[Node]:
        return [node for node in self.top.all() if not node.joined]

    @property
    def n_runs(self) -> int:
        """How many runs answered or will."""
        return len(self._full)

    @property
    def n_gpts(self) -> int:
        """How many GPTs they are of."""
        return len({node.gpt.id for node in self._full})

    @property
    def n_citations(self) -> int:
        """The citations of all answers."""
        return sum(len(node.citations) for node in self._full)

    @property
    def n_refused(self) -> int:
        """How many requests to others failed: refused ones, and those to remote agents."""
        return sum(bool(ask.why_not) for node in self._full for ask in node.others)

    @property
    def is_over(self) -> bool:
        """Whether nothing in it will change."""
        return all(node.is_over for node in self._full)

    @property
    def took(self) -> str:
        """How long all of it took, in words."""
        return in_words(_length(self.top))


def shown_tree(top: Node) -> Tree:
    """The tree for its page."""
    return Tree(top, _branch(top, top, _length(top)))


def _length(top: Node) -> float:
    """Seconds from the first question to the last end."""
    return max(_after(node, top) + node.seconds for node in top.all() if not node.joined)


def _after(node: Node, top: Node) -> float:
    return (node.started - top.started).total_seconds()


def _branch(node: Node, top: Node, length_s: float) -> TreeBranch:
    after, scale = _after(node, top), 100 / (length_s or 1)
    begin = min(max(after * scale, 0.0), 100 - MIN_PERCENT)
    width = min(max(node.seconds * scale, MIN_PERCENT), 100 - begin)
    children = tuple(_branch(child, top, length_s) for child in node.children)
    return TreeBranch(node, after, round(begin, 2), round(width, 2), children)


def rests_on(label: Label) -> str:
    """The sources of a text with this label, in words."""
    if not label.is_untrusted:
        return "Trusted"
    return f"Sources: {_listed(label.written_by)}" if label.written_by else "Includes external content"


def _listed(names: Iterable[str]) -> str:
    named = list(names)
    if len(named) > MAX_AUTHORS:
        named = [*named[: MAX_AUTHORS - 1], f"{len(named) - MAX_AUTHORS + 1} more"]
    *others, last = named
    return f"{', '.join(others)} and {last}" if others else last


def in_words(seconds: float) -> str:
    """A duration in words."""
    if seconds < 59.95:
        return f"{max(seconds, 0):.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
