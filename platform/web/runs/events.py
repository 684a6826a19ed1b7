"""What programs are shown of a run, in whatever format: pieces of its answer, requests to people, and files.

How it breaks: after a worker's crash the reply is generated again, and may not begin with what was already sent,
which programs cannot retract. If it does, the relay sends nothing until the new text is longer; otherwise it raises
Rewritten and the stream ends with an error. A reply that called a tool stays, and the text after the result follows
as a new paragraph. Reasoning that is done again is not sent again.

A run that waits for a person, itself or through child runs, waits for longer than a request can: ApprovalNeeded ends
the request, not the run.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from gpts.runs.logprobs import TokenLogprob, TokensOfText
from gpts.runs.steps import ApprovalRequest, FileRef, Log, ToolResult
from web.runs import stream
from web.runs.connections import in_database
from web.runs.models import ConversationFile, Run
from web.runs.stream import Event
from web.runs.trees import status_of_tree, waiting

# Larger files are named only by their address.
INLINE_BYTES: Final = 1_000_000
# Between two replies of one run.
GAP: Final = "\n\n"


class Rewritten(Exception):
    """The answer was restarted and differs from what was sent. Send the request again, or read the run."""


class ApprovalNeeded(Exception):
    """The run waits until a person answers a request of the run `run_id`: its own, or a child run's.

    `is_form`: the request is a form to fill in, and not a call to approve.
    """

    def __init__(self, run_id: UUID, is_form: bool = False) -> None:
        super().__init__(str(run_id))
        self.run_id, self.is_form = run_id, is_form


@dataclass(frozen=True, slots=True)
class AnswerPiece:
    """What to send next: of the answer, with its `tokens` if they were asked for, or of the reasoning before it.

    An empty one says that the run goes on.
    """

    text: str = ""
    tokens: tuple[TokenLogprob, ...] = ()
    reasoning: str = ""


class Relay:
    """Tracks what was sent of one answer. Space at its ends is held back, because the finished answer has none.

    `before` counts the characters sent before the answer itself: earlier replies, each with a gap after it.
    """

    def __init__(self) -> None:
        self.sent = ""
        self.before = 0
        self._attempt = ""
        self._gap = ""
        self._reasoned: dict[int, int] = {}
        self._tokens = TokensOfText()

    def take(self, event: Event) -> AnswerPiece | None:
        """What to send on for `event`; None for nothing. Raises Rewritten."""
        match event.get("type"):
            case None | "queue":
                return AnswerPiece()
            case "reasoning" if self._reasoned.setdefault(event["seq"], event["attempt"]) == event["attempt"]:
                return AnswerPiece(reasoning=event["text"])
            case "attempt":
                self._attempt = ""
            case "token":
                self._attempt += event["text"]
                piece = self._advance(self._attempt.strip())
                return piece if piece.text else None
            case "logprobs":
                lines = event["text"].rstrip("\n").split("\n")
                self._tokens.add(map(TokenLogprob.model_validate_json, lines))
            case "step" if event.get("kind") in ("tool_result", "retrieval"):
                self._gap = GAP if self.sent else self._gap
                self.before += len(self.sent)
                self.begin_reply()
        return None

    def begin_reply(self) -> None:
        """Send nothing more of the reply: another one follows."""
        self.sent = self._attempt = ""
        self._tokens = TokensOfText()

    def rest(self, answer: str) -> AnswerPiece:
        """The part of the finished `answer` that was not sent yet. Raises Rewritten."""
        if not answer.startswith(self.sent):
            raise Rewritten
        return self._advance(answer)

    def _advance(self, text: str) -> AnswerPiece:
        if text.startswith(self.sent):
            piece = self._after_gap(text[len(self.sent) :])
            self.sent = text
            return AnswerPiece(piece, self._tokens.take(piece))
        if self.sent.startswith(text):
            return AnswerPiece()
        raise Rewritten

    def _after_gap(self, piece: str) -> str:
        """`piece`, with the gap before it if it is the first of its reply."""
        if not piece or not self._gap:
            return piece
        gap, self._gap = self._gap, ""
        self.before += len(gap)
        return gap + piece


async def events(run_id: UUID) -> AsyncIterator[Event]:
    """Yield the run's events, empty ones as a keep-alive. Raises ApprovalNeeded once it waits for a person."""
    async for _, event in stream.follow(run_id):
        yield event
        may_wait = not event or event.get("kind") == "approval_request"
        if may_wait and (needed := await in_database(waits_for_person, run_id)):
            raise needed


def waits_for_person(run_id: UUID) -> ApprovalNeeded | None:
    """Which request a person must answer before `run_id` continues; None if it does not wait."""
    run = Run.objects.filter(id=run_id).first()
    if run is None or status_of_tree(run) != Run.Status.REQUIRES_ACTION:
        return None
    return next((ApprovalNeeded(each.id, request.form is not None) for each, request in waiting(run)), None)


def page_of(run_id: UUID) -> str:
    """The URL of the page where a person answers the run's requests."""
    return f"{settings.SITE_URL}{reverse('run_part', args=[run_id])}"


def text_of_request(request: ApprovalRequest, gpt: str, *, names_fields: bool = False) -> str:
    """The whole request of the GPT with this name, for the person; `names_fields` of a form, where none are shown."""
    if form := request.form:
        return f"{form.asker or gpt} asks: {form.in_words if names_fields else form.message}"
    if request.sign_in:
        return f"{gpt} needs you to sign in at {request.sign_in}."
    because = f"It has read text by {', '.join(request.because)}." if request.because else ""
    title = f"{gpt} asks for approval: {request.title or request.name}."
    return "\n\n".join(filter(None, (title, request.reason, because, request.plain or request.raw)))


def made_files(steps: Log) -> list[FileRef]:
    """The files that the run's tools made, in order."""
    return [file for step in steps if isinstance(step, ToolResult) for file in step.files]


def file_url(file_id: str) -> str:
    """The URL where its owner's programs get a file of a conversation."""
    return f"{settings.SITE_URL}/api/attachments/{file_id}"


def small_file(file: FileRef) -> bytes | None:
    """The bytes of a file that is small enough to be sent along; None for a larger one, or one that is gone."""
    row = ConversationFile.objects.filter(id=UUID(file.id)).first() if file.id else None
    return row.path.read_bytes() if row and row.size <= INLINE_BYTES and row.path.is_file() else None
