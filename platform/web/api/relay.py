"""Passing a run's live answer on to a program that cannot take words back.

How it breaks: after a worker's crash the reply is generated again, and what was sent already may not be how the new
one begins. As long as it is, the relay stays silent until the new text is past it; otherwise it raises Rewritten and
the caller ends the stream with an error.
"""

from collections.abc import AsyncIterator
from uuid import UUID

from web.runs import stream
from web.runs.stream import Event


class Rewritten(Exception):
    """The answer had to be begun again and differs from what was sent; ask again, or read the run."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class Relay:
    """What was sent of one answer. Space at either end is held back, as the finished answer has none there."""

    def __init__(self) -> None:
        self.sent = ""
        self._attempt = ""

    def take(self, event: Event) -> str:
        """The text to send on for `event`, often none. Raises Rewritten."""
        if event.get("type") == "attempt":
            self._attempt = ""
        elif event.get("type") == "token":
            self._attempt += event["text"]
            return self._advance(self._attempt.strip())
        return ""

    def rest(self, answer: str) -> str:
        """What is still missing of the finished `answer`. Raises Rewritten."""
        if not answer.startswith(self.sent):
            raise Rewritten
        return self._advance(answer)

    def _advance(self, text: str) -> str:
        if text.startswith(self.sent):
            piece = text[len(self.sent) :]
            self.sent = text
            return piece
        if self.sent.startswith(text):
            return ""
        raise Rewritten


async def pieces(run_id: UUID, relay: Relay) -> AsyncIterator[str]:
    """Yield the answer's text as it comes, and "" as a sign of life, until the run is over. Raises Rewritten."""
    async for _, event in stream.follow(run_id):
        text = relay.take(event)
        if text or not event:
            yield text
