"""A response as server-sent events: every event in OpenAI's order and numbered, from the live events of its run.

Items are added and done one after another. What the model writes is streamed while it does; all else of an item
comes once its step is in the log. Read again, the events have the same numbers as long as the run's own events are
kept; then the whole response comes in fewer pieces, and its last event in any case.

How it breaks: as in `relay.py`, a reply that was begun again and differs from what was sent ends the stream.
"""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final

from gpts.runs.steps import Log
from web.api.errors import Problem
from web.api.models import Response
from web.api.program_runs import KEEP_ALIVE
from web.api.response_items import Output
from web.api.response_object import response_object
from web.api.response_store import keep, settled
from web.runs import log
from web.runs.connections import in_database
from web.runs.events import AnswerPiece, ApprovalNeeded, Relay, Rewritten, events
from web.runs.stream import Event

# What an item lacks when it is added.
_LATER: Final[dict[str, dict[str, Any]]] = {
    "message": {"content": []},
    "reasoning": {"summary": []},
    "function_call": {"arguments": ""},
    "mcp_call": {"arguments": "", "output": None, "error": None},
    "code_interpreter_call": {"code": "", "outputs": None},
    "image_generation_call": {"result": None},
    "file_search_call": {"results": None},
}
# The events of a call before and after what it was given, each with its kind's name.
_PROGRESS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "file_search_call": (("in_progress", "searching"), ()),
    "web_search_call": (("in_progress", "searching"), ()),
    "code_interpreter_call": (("in_progress",), ("interpreting",)),
    "image_generation_call": (("in_progress", "generating"), ()),
    "mcp_call": (("in_progress",), ()),
}
# What a call is given: the event's name, and the item's field.
_GIVEN: Final = {
    "function_call": ("function_call_arguments", "arguments"),
    "mcp_call": ("mcp_call_arguments", "arguments"),
    "code_interpreter_call": ("code_interpreter_call_code", "code"),
}
# A text that is streamed: the name of its events and of the part around it, the field with its place, and the part.
_TEXTS: Final[dict[str, tuple[str, str, str, dict[str, Any]]]] = {
    "message": (
        "output_text",
        "content_part",
        "content_index",
        {"type": "output_text", "text": "", "annotations": [], "logprobs": []},
    ),
    "reasoning": (
        "reasoning_summary_text",
        "reasoning_summary_part",
        "summary_index",
        {"type": "summary_text", "text": ""},
    ),
}
_ENDS: Final = {"completed": "completed", "failed": "failed"}


class Live:
    """The item that is being streamed: its kind, its place in the output, and what was sent of it."""

    def __init__(self, kind: str, index: int, name: str) -> None:
        self.kind = kind
        self.place: dict[str, Any] = {"item_id": name, "output_index": index}
        self.text = ""


class ResponseEvents:
    """The events of one response. `finished` is called when it is over, before its last events are sent."""

    def __init__(self, response: Response, finished: Callable[[], None] = lambda: None) -> None:
        self.number = -1
        self.is_over = False
        self._finished = finished
        self._response = response
        self._output = Output(response)
        self._n_taken = response.since
        self._kinds: list[str] = []
        self._live: Live | None = None
        self._relay = Relay()

    async def all(self) -> AsyncIterator[dict[str, Any]]:
        """Yield every event, and {} as a keep-alive. Raises Rewritten."""
        begun = await in_database(self._begun)
        for kind in ("created", "in_progress"):
            yield self._event(f"response.{kind}", response=begun)
        async for event in followed(self._response):
            for each in await self._from(event):
                yield each
            if self._response.until is not None and self._n_taken >= self._response.until:
                break
        for each in await in_database(self._end):
            yield each

    def _begun(self) -> dict[str, Any]:
        steps = log.read(self._response.run_id)
        begun = response_object(self._response, steps[: self._response.since + 1], []).model_dump()
        return {**begun, "status": "in_progress", "usage": None, "completed_at": None}

    def _event(self, kind: str, **fields: Any) -> dict[str, Any]:
        self.number += 1
        return {"type": kind, "sequence_number": self.number, **fields}

    async def _from(self, event: Event) -> Iterator[dict[str, Any]]:
        """The events that one of the run's live events becomes."""
        if "seq" in event and event["seq"] < self._n_taken:
            return iter(())
        if event.get("type") == "step" and "seq" in event:
            return iter(await in_database(lambda: self._take(log.read(self._response.run_id), event["seq"] + 1)))
        piece = self._relay.take(event)
        return self._write(piece) if piece else iter(())

    def _write(self, piece: AnswerPiece) -> Iterator[dict[str, Any]]:
        """Yield the events of a piece of text, with which its item may begin, or {}."""
        live, kind = self._live, "reasoning" if piece.reasoning else "message"
        if piece == AnswerPiece():
            yield {}
            return
        if live is None or live.kind != kind:
            if live:
                yield from self._close(live, live.text)
            live = Live(kind, len(self._kinds), self._response.item_name(kind, len(self._kinds)))
            yield from self._open(live)
        yield self._delta(live, piece)

    def _open(self, live: Live) -> Iterator[dict[str, Any]]:
        self._live = live
        role = {"role": "assistant"} if live.kind == "message" else {}
        item = {"id": live.place["item_id"], "type": live.kind, **role}
        added = {**item, "status": "in_progress", **_LATER[live.kind]}
        _, part, index, content = _TEXTS[live.kind]
        yield self._event("response.output_item.added", output_index=live.place["output_index"], item=added)
        self._kinds.append(live.kind)
        yield self._event(f"response.{part}.added", **live.place, **{index: 0}, part=content)

    def _delta(self, live: Live, piece: AnswerPiece) -> dict[str, Any]:
        kind, _, index, _ = _TEXTS[live.kind]
        text = piece.text or piece.reasoning
        live.text += text
        more = {"logprobs": [each.as_openai() for each in piece.tokens]} if live.kind == "message" else {}
        return self._event(f"response.{kind}.delta", **live.place, **{index: 0}, delta=text, **more)

    def _close(self, live: Live, text: str, item: dict[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """Yield the end of a streamed item, whose whole text is `text`."""
        kind, part, index, content = _TEXTS[live.kind]
        self._live = None
        if live.kind == "message":
            self._relay.begin_reply()
        content = item["content"][0] if item and live.kind == "message" else {**content, "text": text}
        if item is None:
            field = "content" if live.kind == "message" else "summary"
            item = {"id": live.place["item_id"], "type": live.kind, "status": "completed", field: [content]}
        at = {**live.place, index: 0}
        for number, annotation in enumerate(content.get("annotations", ())):
            added = f"response.{kind}.annotation.added"
            yield self._event(added, **at, annotation_index=number, annotation=annotation)
        more = {"logprobs": content.get("logprobs", [])} if live.kind == "message" else {}
        yield self._event(f"response.{kind}.done", **at, text=text, **more)
        yield self._event(f"response.{part}.done", **at, part=content)
        yield self._event("response.output_item.done", output_index=live.place["output_index"], item=item)

    def _take(self, steps: Log, until: int) -> list[dict[str, Any]]:
        """The events of the items of the next steps, before `until`."""
        made: list[dict[str, Any]] = []
        for number in range(self._n_taken, until):
            self._output.take(steps, number)
            self._n_taken = number + 1
            made += self._items()
        return made

    def _items(self) -> Iterator[dict[str, Any]]:
        """Yield the events of the items that are in the output by now. Raises Rewritten."""
        for index, item in enumerate(self._output.items):
            live = self._live if self._live and self._live.place["output_index"] == index else None
            if index < len(self._kinds):
                if self._kinds[index] != item["type"]:
                    raise Rewritten
                if live:
                    yield from self._finish(live, item)
            else:
                yield from self._whole(index, item)

    def _finish(self, live: Live, item: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the rest of the item that is being streamed."""
        text = item["content" if live.kind == "message" else "summary"][0]["text"]
        if live.kind == "message" and item["status"] == "completed":
            rest = self._relay.rest(text)
        else:  # of a cancelled answer, or reasoning of a second attempt, what was sent may be something else
            rest = AnswerPiece(text.removeprefix(live.text) if text.startswith(live.text) else "")
        if rest.text:
            yield self._delta(live, rest)
        yield from self._close(live, text, item)

    def _whole(self, index: int, item: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield all events of an item of which nothing was sent yet."""
        kind = item["type"]
        if self._live:
            yield from self._close(self._live, self._live.text)
        if kind in _TEXTS:
            live = Live(kind, index, item["id"])
            yield from self._open(live)
            yield from self._finish(live, item)
            return
        added = {**item, **{key: value for key, value in _LATER.get(kind, {}).items() if key in item}}
        if "status" in item:
            added["status"] = "in_progress"
        yield self._event("response.output_item.added", output_index=index, item=added)
        self._kinds.append(kind)
        yield from self._progress(index, item)
        yield self._event("response.output_item.done", output_index=index, item=item)

    def _progress(self, index: int, item: dict[str, Any]) -> Iterator[dict[str, Any]]:
        kind, at = item["type"], {"item_id": item["id"], "output_index": index}
        before, after = _PROGRESS.get(kind, ((), ()))
        for each in before:
            yield self._event(f"response.{kind}.{each}", **at)
        if kind in _GIVEN:
            name, field = _GIVEN[kind]
            yield self._event(f"response.{name}.delta", **at, delta=item[field])
            yield self._event(f"response.{name}.done", **at, **{field: item[field]})
        for each in after:
            yield self._event(f"response.{kind}.{each}", **at)
        if kind in _PROGRESS and (item["status"] == "completed" or kind == "mcp_call"):
            yield self._event(f"response.{kind}.{item['status']}", **at)

    def _end(self) -> list[dict[str, Any]]:
        """The events that are left once the response is over, with it as a whole."""
        response = self._response
        steps = log.read(response.run_id)
        made = self._take(steps, len(steps) if response.until is None else response.until)
        self._output.take_asked()
        made += self._items()
        whole = response_object(response, steps, self._output.items)
        keep(response, steps, self._output.items)
        self._finished()
        self.is_over = True
        kind = whole.status if whole.status in _ENDS else "incomplete"
        return [*made, self._event(f"response.{kind}", response=whole.model_dump())]


async def followed(response: Response) -> AsyncIterator[Event]:
    """Yield the events of the response's run until it is over, or waits for a person: then the response ends."""
    while True:
        try:
            async for event in events(response.run_id):
                yield event
        except ApprovalNeeded:
            pass
        if await in_database(_is_over, response):
            return


def _is_over(response: Response) -> bool:
    run = response.run
    run.refresh_from_db(fields=["status", "ended", "n_steps"])
    return settled(response).until is not None or response.run.is_over


async def sent(made: ResponseEvents, after: int = -1) -> AsyncIterator[str]:
    """Yield the events after number `after` and always the last, as server-sent events. Raises Rewritten."""
    skipped = ""
    async for event in made.all():
        if not event:
            yield KEEP_ALIVE
        elif event["sequence_number"] > after:
            skipped = ""
            yield sse(event)
        else:
            skipped = sse(event)
    yield f"{skipped}data: [DONE]\n\n"


def sse(event: dict[str, Any]) -> str:
    """`event` as a server-sent event with its name."""
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"


def error_event(problem: Problem, number: int) -> str:
    """The last event of a stream that cannot go on."""
    fields = {"code": problem.code, "message": problem.message, "param": problem.field}
    return sse({"type": "error", "sequence_number": number, **fields})
