"""The branches of a conversation. Nothing is overwritten: editing a message adds one beside it, and regenerating an
answer adds a run. A message follows the answer of one run, so that each run is the end of one branch.
"""

from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from django.http import Http404
from django.utils.translation import gettext

from web.runs.errors import StillAnswering
from web.runs.models import Conversation, Message, Run


@dataclass(frozen=True, slots=True)
class Versions:
    """What stands at one place of a conversation, oldest first, each by a run that shows it; `at` is shown now."""

    runs: tuple[UUID, ...]
    at: int

    @property
    def number(self) -> int:
        """Which one is shown, from 1."""
        return self.at + 1

    @property
    def previous(self) -> UUID | None:
        """The run that shows the one before."""
        return self.runs[self.at - 1] if self.at else None

    @property
    def next(self) -> UUID | None:
        """The run that shows the one after."""
        return self.runs[self.at + 1] if self.number < len(self.runs) else None


def shown_in(conversation: Conversation) -> UUID | None:
    """The last run of the branch that is shown; None in an empty conversation."""
    own = Run.objects.filter(message__conversation=conversation).order_by("-created", "-id")
    return conversation.shown_id or own.values_list("id", flat=True).first()


class Branches:
    """All messages and runs of a conversation, by their ids. Two queries."""

    def __init__(self, conversation: Conversation) -> None:
        messages = Message.objects.filter(conversation=conversation).order_by("created", "id")
        runs = Run.objects.filter(message__conversation=conversation).order_by("created", "id")
        self._after: dict[UUID, UUID | None] = dict(messages.values_list("id", "after"))
        self._following: dict[UUID | None, list[UUID]] = defaultdict(list)
        for message, after in self._after.items():
            self._following[after].append(message)
        self._runs: dict[UUID, list[UUID]] = defaultdict(list)
        self._message: dict[UUID, UUID] = {}
        self._status: dict[UUID, str] = {}
        for run, message, status in runs.values_list("id", "message", "status"):
            self._runs[message].append(run)
            self._message[run] = message
            self._status[run] = status
        # As `shown_in`, of what is known here.
        self.shown: UUID | None = conversation.shown_id or next(reversed(self._message), None)

    @property
    def runs(self) -> list[UUID]:
        """The runs of all branches, oldest first."""
        return list(self._message)

    def up_to(self, run: UUID | None) -> list[UUID]:
        """The runs of the branch that ends with `run`, first to last."""
        path = []
        while run is not None:
            path.append(run)
            run = self._after[self._message[run]]
        return path[::-1]

    def place(self, run: str) -> int | None:
        """How many runs come before this one in its branch; None if it is none of this conversation."""
        try:
            return len(self.up_to(UUID(run))) - 1
        except (ValueError, KeyError):
            return None

    def before(self, message: UUID) -> list[UUID]:
        """The runs of which a message's answer knows: those before it in its branch that ended without an error."""
        usable = set(Run.OVER) - {Run.Status.FAILED}
        return [run for run in self.up_to(self._after[message]) if self._status[run] in usable]

    def versions_of_message(self, run: UUID) -> Versions:
        """The messages that follow the same answer as that of `run`."""
        own = self._message[run]
        messages = [each for each in self._following[self._after[own]] if self._runs[each]]
        return Versions(tuple(self._runs[each][-1] for each in messages), messages.index(own))

    def versions_of_answer(self, run: UUID) -> Versions:
        """The answers to the same message."""
        runs = self._runs[self._message[run]]
        return Versions(tuple(runs), runs.index(run))

    def end_of(self, run: UUID) -> UUID:
        """The last run of the newest branch that `run` is part of."""
        while messages := [each for each in self._following[run] if self._runs[each]]:
            run = self._runs[messages[-1]][-1]
        return run

    def check(self, run: UUID) -> None:
        """Raises Http404 for a run of another conversation, StillAnswering while one of this is in progress."""
        if run not in self._message:
            raise Http404(gettext("Answer not found."))
        if set(self._status.values()) - set(Run.OVER):
            raise StillAnswering


def show(conversation: Conversation, run_id: UUID, exactly: bool = False) -> None:
    """Show the newest branch with this run, or `exactly` the one it ends. Raises Http404, StillAnswering."""
    branches = Branches(conversation)
    branches.check(run_id)
    conversation.shown_id = run_id if exactly else branches.end_of(run_id)
    conversation.save(update_fields=["shown"])
