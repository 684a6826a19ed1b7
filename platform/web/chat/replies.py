"""What a run shows as an answer: its text with marks and sources, its steps, files and apps."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from gpts.runs.fixed_replies import is_decline
from gpts.runs.steps import (
    Cancelled,
    Error,
    FileRef,
    Finished,
    Log,
    MessageIntent,
    ModelReply,
    Step,
    ToolResult,
    UserMessage,
)
from gpts.spec.gpt import GptSpec
from web.builder.models import Gpt
from web.chat.approvals import ApprovalCard, cards
from web.chat.links import judged, outside_urls, page_url
from web.chat.rendering import Marked, render_answer
from web.chat.sources import ShownSource, sources
from web.chat.steps import StepLine, doing, has_failed, lines, summary
from web.chat.support import SupportNote, is_partly, mark, marked, notes, tag
from web.runs.branches import Versions
from web.runs.citations import web_url, where
from web.runs.files import PICTURES
from web.runs.model_facts import writer_of
from web.runs.models import CreatorQuestion, Run
from web.runs.models_chats import Feedback
from web.runs.trees import status_of_tree
from web.worker_texts import said


@dataclass(frozen=True, slots=True)
class ShownFile:
    """A file with its URL, which is empty if the file is no longer available."""

    name: str
    size: int
    url: str
    is_picture: bool
    id: str = ""


@dataclass(frozen=True, slots=True)
class Visitor:
    """A GPT that answered instead of the conversation's own. `is_open`: the reader still has access to it."""

    gpt: Gpt
    is_open: bool

    @property
    def name(self) -> str:
        """Its current name."""
        return self.gpt.live.name

    @property
    def has_face(self) -> bool:
        """Whether the reader may see its face. Everyone may see a drawn mark."""
        return self.is_open or not self.gpt.picture


@dataclass(frozen=True)
class Reply:
    """A run as an answer to a message. `spec` is the version of the GPT that it uses.

    `versions` are the answers to the message; None for a child run. `may_ask_creator`: the person can send the
    question to the creator of the GPT, who takes some.
    """

    run: Run
    steps: Log
    spec: GptSpec
    visitor: Visitor | None = None
    versions: Versions | None = None
    may_ask_creator: bool = False
    apps_below: tuple["ShownApp", ...] = ()

    @property
    def finished(self) -> Finished | None:
        """The answer, once there is one."""
        return next((step for step in self.steps if isinstance(step, Finished)), None)

    @property
    def text(self) -> str:
        """The answer, or the part of it that was shown before it was stopped."""
        return next((step.text for step in reversed(self.steps) if isinstance(step, Finished | Cancelled)), "")

    @property
    def html(self) -> SafeString:
        """The answer as safe HTML with citation tags, and marks on sentences without."""
        return self._html(self.text)

    @property
    def html_before_starters(self) -> SafeString:
        """The same without the list of `starters`."""
        return self._html(self.text.rpartition("\n\n")[0])

    def _html(self, text: str) -> SafeString:
        finished = self.finished
        is_outside = judged(self.spec, self.steps)
        if finished is None:
            return render_answer(text, is_outside=is_outside)
        places: list[Marked] = [*finished.citations, *marked(finished.support)]
        return render_answer(text, places, lambda index: self._mark(index, finished), is_outside)

    @property
    def starters(self) -> tuple[str, ...]:
        """The GPT's own starters, if the answer ends with a list of them: people can click them."""
        listed = tuple(line.removeprefix("- ") for line in self.text.rpartition("\n\n")[2].splitlines())
        return listed if listed and set(listed) <= set(self.spec.starters) else ()

    def _mark(self, index: int, finished: Finished) -> SafeString:
        if index >= len(finished.citations):
            return mark(marked(finished.support)[index - len(finished.citations)])
        citation = finished.citations[index]
        view = "" if web_url(citation) else reverse("chat_source", args=[self.run.id, index])
        name = ", ".join(filter(None, (citation.file_name, where(citation))))
        return tag(citation, index, self.run.id, view, name, is_partly(citation, finished.support))

    @property
    def support_notes(self) -> tuple[SupportNote, ...]:
        """The notes about the marks in the answer."""
        called = {call.name for step in self.steps if isinstance(step, ModelReply) for call in step.tool_calls}
        return notes(self.finished, is_by_code=called == {"code_interpreter"}) if self.finished else ()

    @property
    def sources(self) -> tuple[ShownSource, ...]:
        """The passages that the answer cites, or else those closest to the question that it declines."""
        return sources(self.steps, self.finished) if self.finished else ()

    @property
    def error(self) -> str:
        """Why the run failed, for the person; empty if it did not."""
        return said(next((step.message for step in self.steps if isinstance(step, Error)), ""))

    @property
    def stopped(self) -> bool:
        """Whether the person stopped it."""
        return any(isinstance(step, Cancelled) for step in self.steps)

    @property
    def not_covered(self) -> bool:
        """Whether the GPT's files don't cover the question, and neither the answer nor a note says so."""
        notes = (step.note for step in self.steps if isinstance(step, MessageIntent))
        in_own_words = any(step.declined for step in self.steps if isinstance(step, ModelReply))
        says_so = any(notes) or in_own_words or is_decline(self.text)
        return self.is_declined and not says_so and not self.support_notes

    @property
    def is_declined(self) -> bool:
        """Whether the GPT's files don't, or may not, answer the question."""
        return self.finished is not None and self.finished.coverage == "not_covered"

    @property
    def creator_question(self) -> CreatorQuestion | None:
        """The question that was sent to the creator, if one was."""
        return getattr(self.run.message, "creator_question", None)

    @property
    def feedback(self) -> Feedback | None:
        """What the person thinks of it, if they said so."""
        return getattr(self.run, "feedback", None)

    @property
    def offers_passages(self) -> bool:
        """Whether its sources are only the passages closest to the question."""
        return self.finished is not None and bool(self.finished.closest)

    @property
    def cut(self) -> bool:
        """Whether the answer was cut off at its length or time limit."""
        return self.finished is not None and self.finished.finish in {"length", "deadline"}

    @property
    def is_late(self) -> bool:
        """Whether the answer was cut off at its time limit."""
        return self.finished is not None and self.finished.finish == "deadline"

    @property
    def only_reasons(self) -> bool:
        """Whether the model reached that limit while it was reasoning, so that there is no answer."""
        last = next((step for step in reversed(self.steps) if isinstance(step, ModelReply)), None)
        return self.cut and not self.text and last is not None and last.only_reasons

    @property
    def says_nothing(self) -> bool:
        """Whether it ended without a text, a file or calls for the caller."""
        end = self.finished
        return end is not None and not (
            end.text or end.tool_calls or self.pictures or self.downloads or self.not_covered
        )

    @cached_property
    def outside(self) -> tuple[str, ...]:
        """URLs that are only in external content."""
        return outside_urls(self.steps)

    @cached_property
    def lines(self) -> tuple[StepLine, ...]:
        """What the GPT has done so far."""
        return lines(self.spec, self.steps)

    @property
    def has_calls(self) -> bool:
        """Whether it called anything, besides searching its files."""
        return any(line.call_id for line in self.lines)

    @property
    def live_lines(self) -> tuple[StepLine, ...]:
        """The lines to show while it works: calls that are over, and delegations."""
        return tuple(line for line in self.lines if line.state not in {"running", "waiting"} or line.delegated)

    @property
    def has_tree(self) -> bool:
        """Whether it has child runs."""
        return any(line.delegated and line.delegated.run_id for line in self.lines)

    @property
    def question(self) -> UserMessage | None:
        """The message it answers, with its delegators."""
        return next((step for step in self.steps if isinstance(step, UserMessage)), None)

    @cached_property
    def status(self) -> str:
        """Its status, including child runs that it waits for."""
        return status_of_tree(self.run)

    @property
    def summary(self) -> str:
        """What the GPT did, in one line; may be empty."""
        return summary(self.lines)

    @property
    def has_failed(self) -> bool:
        """Whether a step of it failed."""
        return has_failed(self.lines)

    @property
    def doing(self) -> str:
        """What it is doing now, in words."""
        if self.run.status == Run.Status.QUEUED:
            return gettext("Queued")
        found = next((line.words for line in self.lines if not line.call_id and not line.reasoning), "")
        return (
            doing(self.lines)
            or found
            or (gettext("Reading") if self.spec.knowledge or self.attachments else gettext("Thinking"))
        )

    @cached_property
    def cards(self) -> tuple[ApprovalCard, ...]:
        """The open approval requests of this run and its child runs."""
        return cards(self.run)

    @cached_property
    def files(self) -> tuple[ShownFile, ...]:
        """The files that its calls created."""
        return _shown(file for step in self.steps if isinstance(step, ToolResult) for file in step.files)

    @property
    def pictures(self) -> tuple[ShownFile, ...]:
        """The files to show as pictures."""
        return tuple(file for file in self.files if file.is_picture and file.url)

    @property
    def downloads(self) -> tuple[ShownFile, ...]:
        """The files to download."""
        return tuple(file for file in self.files if not (file.is_picture and file.url))

    @property
    def apps(self) -> tuple["ShownApp", ...]:
        """The pages with which servers show results, of its calls and those of its child runs."""
        return (*apps_of(self.run.id, self.steps), *self.apps_below)

    @property
    def attachments(self) -> tuple[ShownFile, ...]:
        """The files attached to the message."""
        return _shown(file for step in self.steps if isinstance(step, UserMessage) for file in step.attachments)

    @property
    def model(self) -> str:
        """The model that wrote the answer, for people; empty where there is only one."""
        return writer_of(self.steps)

    @property
    def seconds(self) -> int:
        """Seconds from the message to the end of the answer; 0 until then."""
        return round((self.run.ended - self.run.created).total_seconds()) if self.run.ended else 0


@dataclass(frozen=True, slots=True)
class ShownApp:
    """A page with which the server at `host` shows the result of a call of a run."""

    run_id: UUID
    call_id: str
    host: str


def apps_of(run_id: UUID, steps: Iterable[Step]) -> tuple[ShownApp, ...]:
    """The pages of servers that the steps of a run have."""
    results = (step for step in steps if isinstance(step, ToolResult))
    return tuple(ShownApp(run_id, step.call_id, step.app.host) for step in results if step.app)


def _shown(files: Iterable[FileRef]) -> tuple[ShownFile, ...]:
    """`files` for the page, each once."""
    once = {file.id or file.name: file for file in files}.values()
    return tuple(ShownFile(f.name, f.size, page_url("run_file", f.id), f.mime in PICTURES, f.id) for f in once)
