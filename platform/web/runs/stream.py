"""The live events of a run in Redis: the only owner of their format. Workers publish, the web follows.

Events are ephemeral: whatever is lost here (Redis restarted, entries trimmed) is still in the log, and a reader then
gets one `snapshot`. Each event is a JSON object with a `type`:

- `step` {seq, kind}: a step was appended; `retrieval` adds {summary}, tool steps add {name}; one with
  {run, call_id} instead of seq was appended to that child run, which answers the call
- `progress` {call_id, text}: short progress text of a call; of the run itself if `call_id` is empty
- `attempt` {seq, attempt}: a reply begins; drop any partial text shown before
- `token` {seq, attempt, text}: the next piece of the reply
- `reasoning` {seq, attempt, text}: the next piece of what the model writes to itself before the reply
- `logprobs` {seq, attempt, text}: how likely the tokens of the next pieces were, as JSON, one to a line; if asked for
- `queue` {ahead, wait_s, text}: the run waits for a worker, after `ahead` others and for about `wait_s` seconds
- `snapshot` {status, kinds, text}: the state so far, if the events are lost
- `done` {status}: the run is over; the last event

While workers announce them, `worker:tools` holds {missing, n_sandboxes}: {capability: reason} for what does not work
here, and {person: sandbox sessions in use}; and `worker:model` holds {model, since} of a loaded model.
"""

import asyncio
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import asdict
from functools import cache
from typing import Any, cast
from uuid import UUID

import redis
from django.conf import settings
from django.utils import timezone

from gpts.runs.steps import Cancelled, Finished
from web.runs import log
from web.runs.connections import in_database
from web.runs.fair_queue import recent_place_of
from web.runs.listening import CHANNEL, Listener, Position, entry_at, listening, position_of
from web.runs.models import Run

logger = logging.getLogger(__name__)

Event = dict[str, Any]

MAX_EVENTS = 20_000  # more than a reply of 8,192 tokens with its reasoning and steps
PIECES = ("token", "reasoning", "logprobs")
KEEP_S = 3_600
# A reader that hears nothing shows that it is there, and looks whether the run has ended, after so many seconds.
KEEP_ALIVE_S = 15.0
CHECK_S = 60.0
# The same while the run may wait in the queue, whose place in it is then sent.
QUEUED_S = 3.0
# Tokens are sent at most so often, the others of that time together: faster than people see, for a fraction of the
# work. The first one is not delayed. With more answers than FLUSHED_A_S * FLUSH_S at once, each is sent less often:
# what that costs grows with the events, and every event takes time from the model and from other people's pages.
FLUSH_S = 0.1
MOST_FLUSH_S = 0.2
FLUSHED_A_S = 80
MODEL_KEY = "worker:model"
TOOLS_KEY = "worker:tools"
# How long an announcement of a worker is valid; it is repeated every 10 s.
MODEL_KEEP_S = 30


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=2)


def forget_expired() -> None:
    """Have the embedded Valkey write its append-only file anew, which still has what expired. Others may refuse."""
    try:
        if _client().config_get("appendonly").get("appendonly") == "yes":
            _client().bgrewriteaof()
    except redis.RedisError as error:
        logger.info("the append-only file was not written anew: %s", error)


def _key(run_id: UUID | str) -> str:
    return f"run:{run_id}"


def publish(run_id: UUID | str, *events: Event) -> None:
    """Append `events` to the run's stream. Without Redis they are dropped: the log has all steps.

    Tokens of all runs are sent together, every FLUSH_S at most; any other event is sent when this returns.
    """
    _sender().put(_key(run_id), events)


def notify_parents(parents: Iterable[tuple[UUID, str]], run_id: UUID, kind: str) -> None:
    """Publish a `kind` step (request or answer) of the child `run_id` to each waiting parent, with its call's id."""
    for parent, call_id in parents:
        publish(parent, {"type": "step", "kind": kind, "run": str(run_id), "call_id": call_id})


class _EventSender:
    """Sends the tokens of all runs in one round trip: threads that each send their own slow the model down."""

    def __init__(self) -> None:
        self._pending: dict[str, list[Event]] = {}
        self._adding = threading.Lock()
        self._sending = threading.Lock()  # held from taking events to having sent them, to keep their order
        self._has_events = threading.Event()
        threading.Thread(target=self._flush_forever, name="token-sender", daemon=True).start()

    def put(self, key: str, events: Sequence[Event]) -> None:
        """Queue `events`; send all that is queued now unless they are tokens only."""
        with self._adding:
            waiting = self._pending.setdefault(key, [])
            for event in events:
                _join(waiting, event)
        if all(event["type"] in PIECES for event in events):
            self._has_events.set()
        else:
            self._flush()

    def _flush_forever(self) -> None:
        while self._has_events.wait():
            self._has_events.clear()
            time.sleep(min(MOST_FLUSH_S, max(FLUSH_S, self._flush() / FLUSHED_A_S)))

    def _flush(self) -> int:
        """Send what is queued; of how many runs that was."""
        with self._sending:
            with self._adding:
                taken, self._pending = self._pending, {}
            if taken:
                _send(taken)
            return len(taken)


@cache
def _sender() -> _EventSender:
    return _EventSender()


def _join(waiting: list[Event], event: Event) -> None:
    """Add `event` to those waiting; a piece that follows one of the same kind and reply is merged into it."""
    last = waiting[-1] if waiting else {}
    if event["type"] in PIECES and all(event[name] == last.get(name) for name in ("type", "seq", "attempt")):
        waiting[-1] = {**last, "text": last["text"] + event["text"]}
    else:
        waiting.append(event)


def _send(taken: dict[str, list[Event]]) -> None:
    pipe = _client().pipeline(transaction=False)
    for key, events in taken.items():
        for event in events:
            pipe.xadd(key, {"e": json.dumps(event)}, maxlen=MAX_EVENTS, approximate=True)
        if any(event["type"] not in PIECES for event in events):
            pipe.expire(key, KEEP_S)
    pipe.publish(CHANNEL, " ".join(taken))
    try:
        pipe.execute()
    except redis.RedisError as error:
        logger.warning("events of %d runs dropped: %s", len(taken), error)


def partial_text(run_id: UUID | str) -> str:
    """The text of the newest attempt so far; empty when Redis does not have it."""
    try:
        entries = cast(list[Any], _client().xrange(_key(run_id)))
    except redis.RedisError:
        return ""
    text = ""
    for _, fields in entries:
        event = json.loads(fields[b"e"])
        if event["type"] == "attempt":
            text = ""
        elif event["type"] == "token":
            text += event["text"]
    return text


def snapshot(run_id: UUID) -> Event:
    """The state of a run by its log. Raises Run.DoesNotExist."""
    steps = log.read(run_id)
    shown = next((step.text for step in reversed(steps) if isinstance(step, Finished | Cancelled)), "")
    status = Run.objects.values_list("status", flat=True).get(id=run_id)
    return {"type": "snapshot", "status": status, "kinds": [step.kind for step in steps], "text": shown}


def announce_model(model: str, **facts: Any) -> None:
    """Announce for MODEL_KEEP_S that a worker has `model` loaded, and facts for programs that use it.

    Logged and dropped without Redis.
    """
    try:
        last = model_worker()
        since = last["since"] if last and last["model"] == model else timezone.now().isoformat()
        _client().set(MODEL_KEY, json.dumps({"model": model, "since": since, **facts}), ex=MODEL_KEEP_S)
    except redis.RedisError as error:
        logger.warning("the model worker could not announce itself: %s", error)


def model_worker() -> Event | None:
    """`{model, since, …}` of a worker with its model loaded, None without one. Raises redis.RedisError."""
    state = cast(bytes | None, _client().get(MODEL_KEY))
    return json.loads(state) if state else None


def is_model_loaded() -> bool:
    """Whether a worker has its model loaded; True where Redis cannot tell."""
    try:
        return model_worker() is not None
    except redis.RedisError:
        return True


def announce_tools(missing: dict[str, str], n_sandboxes: dict[str, int]) -> None:
    """Announce for MODEL_KEEP_S why capabilities do not work here, and how many sandboxes each person uses."""
    try:
        _client().set(TOOLS_KEY, json.dumps({"missing": missing, "n_sandboxes": n_sandboxes}), ex=MODEL_KEEP_S)
    except redis.RedisError as error:
        logger.warning("the tools worker could not announce itself: %s", error)


def missing_capabilities() -> dict[str, str]:
    """Why each unavailable capability does not work here, by its key; empty also if no worker announces any."""
    return cast(dict[str, str], _tools_worker().get("missing", {}))


def n_sandboxes(person: int) -> int:
    """How many sandbox sessions the person with this id had in use when a worker last announced it."""
    return cast(int, _tools_worker().get("n_sandboxes", {}).get(str(person), 0))


def _tools_worker() -> Event:
    try:
        state = cast(bytes | None, _client().get(TOOLS_KEY))
    except redis.RedisError:
        return {}
    return cast(Event, json.loads(state)) if state else {}


def tools_are_up() -> bool:
    """Whether a worker of tools has announced itself. Raises redis.RedisError."""
    return bool(_client().exists(TOOLS_KEY))


def count_in_a_row(name: str, goes_on: bool) -> int:
    """How often in a row, minutes apart at most, this was called with `goes_on`. Raises redis.RedisError."""
    key = f"in-a-row:{name}"
    if not goes_on:
        _client().delete(key)
        return 0
    n = _client().incr(key)
    _client().expire(key, 300)
    return n


async def follow(run_id: UUID, last_id: str = "") -> AsyncIterator[tuple[str, Event]]:
    """Yield `(entry id, event)` after `last_id` until `done`. The entry id serves as SSE `id`, empty for none.

    Holds no connection of its own. A run that ended, or whose events are gone, yields one `snapshot`
    and then `done`. While it waits in the queue, `queue` events tell its place when that changes. Every KEEP_ALIVE_S
    without events it yields an empty event `{}` for the caller's keep-alive.
    """
    position, key, check_at, may_queue = position_of(last_id), _key(run_id), 0.0, True
    told, spoke_at = None, time.monotonic()
    async with listening(key) as (listener, news):
        while True:
            news.clear()
            entries = await _read(listener, key, position)
            for position, event in entries or ():
                yield entry_at(position), event
                if event["type"] == "done":
                    return
            if entries:
                may_queue = True
            elif entries is None or time.monotonic() >= check_at:
                check_at = time.monotonic() + CHECK_S
                # The last events of a run that ended between the two reads have arrived by now, so read once more.
                if await in_database(_is_over, run_id) and not await _read(listener, key, position):
                    state = await in_database(snapshot, run_id)
                    yield "", state
                    yield "", {"type": "done", "status": state["status"]}
                    return
                if entries is None:  # without Redis too, the caller notices a reader who has left
                    yield "", {}
                continue
            if await _heard(news, QUEUED_S if may_queue else KEEP_ALIVE_S):
                continue
            if not may_queue:
                yield "", {}
            elif place := await in_database(recent_place_of, run_id):
                if place != told:
                    yield "", {"type": "queue", **asdict(place), "text": place.text}
                    told = place
                elif time.monotonic() - spoke_at >= KEEP_ALIVE_S:
                    yield "", {}
                else:
                    continue
                spoke_at = time.monotonic()
            else:
                may_queue = False


async def _heard(news: asyncio.Event, wait_s: float) -> bool:
    """Whether there was news within `wait_s`."""
    try:
        async with asyncio.timeout(wait_s):
            return await news.wait()
    except TimeoutError:
        return False


async def _read(listener: Listener, key: str, after: Position) -> list[tuple[Position, Event]] | None:
    """The events after this one; None, after a moment, if Redis cannot be read."""
    entries = await listener.read(key, after)
    return None if entries is None else [(position, json.loads(fields[b"e"])) for position, fields in entries]


def _is_over(run_id: UUID) -> bool:
    return Run.objects.filter(id=run_id, status__in=Run.OVER).exists()
