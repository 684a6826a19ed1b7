"""A trace for its page: each run with its status, and as a bar on a timeline."""

from dataclasses import dataclass
from typing import Final

from django.utils.text import get_text_list
from django.utils.translation import gettext, gettext_noop

from gpts.safety.labels import Label
from web.engines import DEFAULT, engines, title_of
from web.runs.trees import Node, Tokens

# Longer tasks are collapsed to two lines.
TASK_CHARS: Final = 90
MAX_AUTHORS: Final = 3
# The smallest width of a bar, so that it can be seen.
MIN_PERCENT: Final = 1.0
STATUSES: Final = {
    "queued": (gettext_noop("Queued"), ""),
    "in_progress": (gettext_noop("Working"), ""),
    "requires_action": (gettext_noop("Waiting for approval"), "warn"),
    "completed": (gettext_noop("Answered"), "good"),
    "failed": (gettext_noop("Failed"), "danger"),
    "cancelled": (gettext_noop("Stopped"), ""),
    "incomplete": (gettext_noop("Incomplete"), "warn"),
}


@dataclass(frozen=True, slots=True)
class TreeBranch:
    """A node with the `begin` and `width` of its bar in percent, and `after_s` since the top run started."""

    node: Node
    after_s: float
    begin: float
    width: float
    children: tuple["TreeBranch", ...]

    @property
    def status(self) -> str:
        """Its status in words."""
        return gettext(STATUSES[self.node.status][0])

    @property
    def tone(self) -> str:
        """The CSS class of the status."""
        return STATUSES[self.node.status][1]

    @property
    def is_long(self) -> bool:
        """Whether its task is collapsed."""
        return len(self.node.task) > TASK_CHARS

    @property
    def sources(self) -> str:
        """The sources of its answer, in words; empty without an answer."""
        return sources_of(self.node.label) if self.node.label else ""

    @property
    def models(self) -> tuple[str, ...]:
        """The models that wrote in it, with what that cost where they have a price; empty where there is only one."""
        used = self.node.by_engine.items() if len(engines()) > 1 else ()
        return tuple(_used(name, tokens) for name, tokens in used)

    @property
    def took(self) -> str:
        """Its duration, in words."""
        return duration(self.node.seconds)

    @property
    def when(self) -> str:
        """When it ran, as a text alternative to its bar."""
        ended = duration(self.after_s + self.node.seconds)
        end = ended if self.node.is_over else gettext("now")
        return gettext("From {begin} to {end}").format(begin=duration(self.after_s), end=end)


@dataclass(frozen=True, slots=True)
class Tree:
    """A whole tree, with its totals."""

    top: Node
    branch: TreeBranch

    @property
    def _own(self) -> list[Node]:
        """Its runs, each once."""
        return [node for node in self.top.all() if not node.joined]

    @property
    def n_runs(self) -> int:
        """The number of runs."""
        return len(self._own)

    @property
    def n_gpts(self) -> int:
        """The number of different GPTs."""
        return len({node.gpt.id for node in self._own})

    @property
    def n_citations(self) -> int:
        """The number of citations in all answers."""
        return sum(len(node.citations) for node in self._own)

    @property
    def n_refused(self) -> int:
        """The number of delegations that were refused or failed."""
        return sum(bool(call.why_not) for node in self._own for call in node.others)

    @property
    def is_over(self) -> bool:
        """Whether all runs are over."""
        return all(node.is_over for node in self._own)

    @property
    def took(self) -> str:
        """The total duration, in words."""
        return duration(_length(self.top))


def shown_tree(top: Node) -> Tree:
    """The tree for its page."""
    return Tree(top, _branch(top, top, _length(top)))


def _length(top: Node) -> float:
    """Seconds from the start of the top run to the last end."""
    return max(_after(node, top) + node.seconds for node in top.all() if not node.joined)


def _after(node: Node, top: Node) -> float:
    return (node.started - top.started).total_seconds()


def _branch(node: Node, top: Node, length_s: float) -> TreeBranch:
    after, scale = _after(node, top), 100 / (length_s or 1)
    begin = min(max(after * scale, 0.0), 100 - MIN_PERCENT)
    width = min(max(node.seconds * scale, MIN_PERCENT), 100 - begin)
    children = tuple(_branch(child, top, length_s) for child in node.children)
    return TreeBranch(node, after, round(begin, 2), round(width, 2), children)


def _used(name: str, tokens: Tokens) -> str:
    entry = engines().get(name or DEFAULT)
    cost = entry.cost(tokens.prompt, tokens.completion) if entry else None
    return title_of(name) + ("" if cost is None else f", ${cost:.4f}")


def sources_of(label: Label) -> str:
    """The sources of a text with this label, in words."""
    if not label.is_untrusted:
        return gettext("Trusted")
    authors = list(label.written_by)
    if len(authors) > MAX_AUTHORS:
        authors[MAX_AUTHORS - 1 :] = [gettext("{n} more").format(n=len(authors) - MAX_AUTHORS + 1)]
    if not authors:
        return gettext("Includes external content")
    return gettext("Sources: {authors}").format(authors=get_text_list(authors, gettext("and")))


def duration(seconds: float) -> str:
    """A duration in words."""
    if seconds < 59.95:
        return f"{max(seconds, 0):.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
