"""A conversation as its page shows it: what the person wrote, and how far the newest answer to it is."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.safestring import SafeString

from gpts.runs.steps import Cancelled, Error, Finished, Log, ToolResult, UserMessage, load_step
from gpts.spec.gpt import GptSpec
from web.builder.models import Gpt
from web.chat.approvals import ApprovalCard, cards
from web.chat.files import ShownFile, shown
from web.chat.links import judged, outside_addresses
from web.chat.rendering import Marked, render_answer
from web.chat.sources import ShownSource, address, sources, where
from web.chat.steps import Line, doing, lines, summary
from web.chat.support import Note, is_partly, mark, marked, notes, tag
from web.runs import log
from web.runs.mentions import name_of
from web.runs.models import Conversation, Message, Run, StepRow
from web.runs.trees import status_of_tree


@dataclass(frozen=True, slots=True)
class Visitor:
    """A GPT that answered in the place of the conversation's own. `is_open`: the reader may still use it."""

    gpt: Gpt
    is_open: bool

    @property
    def name(self) -> str:
        """What it is called now."""
        return name_of(self.gpt)

    @property
    def has_face(self) -> bool:
        """Whether the reader may see its face: everyone may see a drawn mark."""
        return self.is_open or not self.gpt.picture


@dataclass(frozen=True)
class Reply:
    """One run as an answer. `spec` is the GPT as the run knows it."""

    run: Run
    steps: Log
    spec: GptSpec
    visitor: Visitor | None = None

    @property
    def n_files(self) -> int:
        """How many files the GPT's version knows."""
        return len(self.spec.knowledge)

    @property
    def finished(self) -> Finished | None:
        """The answer, once there is one."""
        return next((step for step in self.steps if isinstance(step, Finished)), None)

    @property
    def text(self) -> str:
        """The answer as it was written, or what was shown of it before it was stopped."""
        return next((step.text for step in reversed(self.steps) if isinstance(step, Finished | Cancelled)), "")

    @property
    def html(self) -> SafeString:
        """The answer as safe HTML with its citation tags and the marks of sentences that have none."""
        finished = self.finished
        is_outside = judged(self.spec, self.steps)
        if finished is None:
            return render_answer(self.text, is_outside=is_outside)
        places: list[Marked] = [*finished.citations, *marked(finished.support)]
        return render_answer(self.text, places, lambda index: self._mark(index, finished), is_outside)

    def _mark(self, index: int, finished: Finished) -> SafeString:
        if index >= len(finished.citations):
            return mark(marked(finished.support)[index - len(finished.citations)])
        citation = finished.citations[index]
        view = "" if address(citation) else reverse("chat_source", args=[self.run.id, index])
        name = ", ".join(filter(None, (citation.file_name, where(citation))))
        return tag(citation, index, self.run.id, view, name, is_partly(citation, finished.support))

    @property
    def support_notes(self) -> tuple[Note, ...]:
        """What the marks in the answer mean."""
        return notes(self.finished.support) if self.finished else ()

    @property
    def sources(self) -> tuple[ShownSource, ...]:
        """The passages that the answer cites."""
        return sources(self.steps, self.finished) if self.finished else ()

    @property
    def error(self) -> str:
        """Why the run failed, for its reader; empty when it did not."""
        return next((step.message for step in self.steps if isinstance(step, Error)), "")

    @property
    def stopped(self) -> bool:
        """Whether the person stopped it."""
        return any(isinstance(step, Cancelled) for step in self.steps)

    @property
    def not_covered(self) -> bool:
        """Whether the GPT's files hold nothing on the question."""
        return self.finished is not None and self.finished.coverage == "not_covered"

    @property
    def cut(self) -> bool:
        """Whether the answer ends at its length or time limit instead of where the model would end it."""
        return self.finished is not None and self.finished.finish in {"length", "deadline"}

    @cached_property
    def outside(self) -> tuple[str, ...]:
        """Addresses that only text from outside gave."""
        return outside_addresses(self.steps)

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """What the GPT did so far."""
        return lines(self.spec, self.steps)

    @property
    def has_calls(self) -> bool:
        """Whether it called anything, and did not only look in its files."""
        return any(line.call_id for line in self.lines)

    @property
    def live_lines(self) -> tuple[Line, ...]:
        """The lines to show while it works: what is done, and whom it asks right now."""
        return tuple(line for line in self.lines if line.state in {"done", "failed"} or line.delegated)

    @property
    def has_tree(self) -> bool:
        """Whether runs of other GPTs belong to it."""
        return any(line.delegated and line.delegated.run_id for line in self.lines)

    @property
    def question(self) -> UserMessage | None:
        """What was asked, and through whom."""
        return next((step for step in self.steps if isinstance(step, UserMessage)), None)

    @cached_property
    def status(self) -> str:
        """How far it is, with those that it waits for."""
        return status_of_tree(self.run)

    @property
    def summary(self) -> str:
        """What the GPT did, in one line; empty if nothing."""
        return summary(self.lines)

    @property
    def doing(self) -> str:
        """What it does right now, in words."""
        if self.run.status == Run.Status.QUEUED:
            return "Queued"
        return doing(self.lines) or ("Reading" if self.n_files else "Thinking")

    @cached_property
    def cards(self) -> tuple[ApprovalCard, ...]:
        """The requests that wait for the person, of this run and of those that it asked for."""
        return cards(self.run)

    @cached_property
    def files(self) -> tuple[ShownFile, ...]:
        """What its calls made."""
        return shown(file for step in self.steps if isinstance(step, ToolResult) for file in step.files)

    @property
    def pictures(self) -> tuple[ShownFile, ...]:
        """The files that are shown."""
        return tuple(file for file in self.files if file.is_picture and file.url)

    @property
    def downloads(self) -> tuple[ShownFile, ...]:
        """The files that are only offered."""
        return tuple(file for file in self.files if not (file.is_picture and file.url))

    @property
    def attachments(self) -> tuple[ShownFile, ...]:
        """What the person attached to the question."""
        return shown(file for step in self.steps if isinstance(step, UserMessage) for file in step.attachments)

    @property
    def seconds(self) -> int:
        """How long the answer took, from question to end; 0 while it is not over."""
        return round((self.run.ended - self.run.created).total_seconds()) if self.run.ended else 0


@dataclass(frozen=True, slots=True)
class Turn:
    """A message and its reply."""

    message: Message
    reply: Reply


def turns(conversation: Conversation) -> list[Turn]:
    """The turns of a conversation, oldest first, each with its newest run. Four queries, however many turns."""
    messages = list(conversation.messages.all())
    runs = Run.objects.filter(message__in=messages).select_related("version__gpt").order_by("created", "id")
    newest = {run.message_id: run for run in runs}
    logs: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    rows = StepRow.objects.filter(run__in=newest.values()).order_by("run", "seq")
    for run_id, data in rows.values_list("run", "data"):
        logs[run_id].append(data)
    versions = {run.version_id: run.version for run in newest.values()}
    specs = {id: version.spec() for id, version in versions.items()}
    visitors = _visitors(conversation, (run.gpt for run in newest.values()))
    return [
        Turn(
            message, Reply(run, tuple(map(load_step, logs[run.id])), specs[run.version_id], visitors.get(run.gpt.id))
        )
        for message in messages
        if (run := newest.get(message.id))
    ]


def guest_of(conversation: Conversation) -> Visitor | None:
    """The GPT that answers until it is dismissed."""
    guest = conversation.guest
    return _visitors(conversation, [guest]).get(guest.id) if guest else None


def _visitors(conversation: Conversation, answering: Iterable[Gpt]) -> dict[UUID, Visitor]:
    """Those of `answering` that are not the conversation's own GPT, by id. One query where there are any."""
    gpts = {gpt.id: gpt for gpt in answering if gpt.id != conversation.gpt_id}
    open_to = Gpt.objects.chattable_by(conversation.owner).filter(id__in=gpts)
    still_open = set(open_to.values_list("id", flat=True)) if gpts else set()
    return {id: Visitor(gpt, id in still_open) for id, gpt in gpts.items()}


def reply_of(run: Run) -> Reply:
    """The reply that one run is so far."""
    visitors = _visitors(run.message.conversation, [run.gpt])
    return Reply(run, log.read(run.id), run.version.spec(), visitors.get(run.gpt.id))
