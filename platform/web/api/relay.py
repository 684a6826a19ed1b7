"""Relays a run's live answer to a program that cannot retract text it has received.

How it breaks: after a worker's crash the reply is generated again, and may not begin with what was already sent. If
it does, the relay sends nothing until the new text is longer; otherwise it raises Rewritten and the stream ends with
an error. A reply that called a tool stays, and the text after the result follows as a new paragraph.
Reasoning that is done again is not sent again.

A run that waits for a person, itself or through child runs, waits for longer than a request can: ApprovalNeeded ends
the request, not the run.
"""

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from gpts.runs.logprobs import TokenLogprob, TokensOfText
from gpts.runs.status import pending_approvals
from web.api.errors import ApiError
from web.runs import log, stream
from web.runs.connections import in_database
from web.runs.models import Run
from web.runs.stream import Event
from web.runs.trees import status_of_tree, waiting

# Between two replies of one run.
GAP: Final = "\n\n"


class Rewritten(ApiError):
    """The answer was restarted and differs from what was sent. Send the request again, or read the run."""

    def __init__(self) -> None:
        super().__init__(500, str(self.__doc__), code="answer_rewritten")


class ApprovalNeeded(Exception):
    """The run waits until a person answers a request of the run `run_id`: its own, or a child run's.

    `is_form`: the request is a form to fill in, and not a call to approve.
    """

    def __init__(self, run_id: UUID, is_form: bool = False) -> None:
        super().__init__(str(run_id))
        self.run_id, self.is_form = run_id, is_form


class Relay:
    """Tracks what was sent of one answer. Space at its ends is held back, because the finished answer has none.

    `before` counts the characters sent before the answer itself: earlier replies, each with a gap after it. `tokens`
    are those of the reply, if they were asked for.
    """

    def __init__(self) -> None:
        self.sent = ""
        self.before = 0
        self._attempt = ""
        self._gap = ""
        self._reasoned: dict[int, int] = {}
        self.tokens = TokensOfText()

    def take_reasoning(self, event: Event) -> str:
        """What of the reasoning to send on for `event`: that of the first attempt at each reply."""
        if event.get("type") != "reasoning":
            return ""
        is_first = self._reasoned.setdefault(event["seq"], event["attempt"]) == event["attempt"]
        return str(event["text"]) if is_first else ""

    def take(self, event: Event) -> str:
        """The text to send on for `event`, often none. Raises Rewritten."""
        if event.get("type") == "attempt":
            self._attempt = ""
        elif event.get("type") == "token":
            self._attempt += event["text"]
            return self._advance(self._attempt.strip())
        elif event.get("type") == "logprobs":
            self.tokens.add(map(TokenLogprob.model_validate_json, event["text"].rstrip("\n").split("\n")))
        elif event.get("type") == "step" and event.get("kind") in ("tool_result", "retrieval"):
            self._close_reply()
        return ""

    def rest(self, answer: str) -> str:
        """The part of the finished `answer` that was not sent yet. Raises Rewritten."""
        if not answer.startswith(self.sent):
            raise Rewritten
        return self._advance(answer)

    def _close_reply(self) -> None:
        if self.sent:
            self.before += len(self.sent)
            self._gap = GAP
        self.sent = self._attempt = ""
        self.tokens = TokensOfText()

    def _advance(self, text: str) -> str:
        if text.startswith(self.sent):
            piece = text[len(self.sent) :]
            self.sent = text
            return self._after_gap(piece)
        if self.sent.startswith(text):
            return ""
        raise Rewritten

    def _after_gap(self, piece: str) -> str:
        """`piece`, with the gap before it if it is the first of its reply."""
        if not piece or not self._gap:
            return piece
        gap, self._gap = self._gap, ""
        self.before += len(gap)
        return gap + piece


async def pieces(run_id: UUID, relay: Relay) -> AsyncIterator[dict[str, str]]:
    """Yield the answer's text as it is generated, as OpenAI's deltas, and {} as a keep-alive, until the run is over.

    Reasoning comes before it, in the field that DeepSeek and vLLM use. Raises Rewritten, and ApprovalNeeded once the
    run waits for a person.
    """
    async for event in events(run_id):
        if reasoning := relay.take_reasoning(event):
            yield {"reasoning_content": reasoning}
        text = relay.take(event)
        if text or event.get("type") in (None, "queue"):
            yield {"content": text} if text else {}


async def events(run_id: UUID) -> AsyncIterator[Event]:
    """Yield the run's events, empty ones as a keep-alive. Raises ApprovalNeeded once it waits for a person."""
    async for _, event in stream.follow(run_id):
        yield event
        may_wait = not event or event.get("kind") == "approval_request"
        if may_wait and (waiting_id := await in_database(waits_for_person, run_id)):
            raise ApprovalNeeded(waiting_id, await in_database(_asks_form, waiting_id))


def waits_for_person(run_id: UUID) -> UUID | None:
    """The run whose request a person must answer before `run_id` continues; None if it does not wait."""
    run = Run.objects.filter(id=run_id).first()
    if run is None or status_of_tree(run) != Run.Status.REQUIRES_ACTION:
        return None
    return next((each.id for each, _ in waiting(run)), None)


def _asks_form(run_id: UUID) -> bool:
    """Whether the first request of the run that waits for an answer is a form."""
    return any(each.form for each in pending_approvals(log.read(run_id))[:1])
