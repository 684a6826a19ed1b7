"""Which model answers a run: the one that its GPT names, or a fallback while that one is down.

Named models are engines at servers, opened on first use and kept. That one failed is remembered for a few seconds,
so that not every message waits for it again. Keys and addresses are in no message that leaves the worker's log.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from gpts.egress.config import only_server
from gpts.egress.errors import EgressRefused
from gpts.runs.steps import Log, ModelChange
from web.accounts.models import User
from web.engines import DEFAULT, NO_FALLBACK, Engines, NamedEngine, answering, offered
from web.operate.services import known_ability, note_state
from workers.engine import open_engine
from workers.engine.base import Engine, EngineConfig, EngineError
from workers.runs.services import Services

logger = logging.getLogger(__name__)

# How long an answer to "are you there?", or a failure, counts.
LOOK_S: Final = 10.0


@dataclass(slots=True)
class _Opened:
    """The open engine of `entry`, and until when it counts as ready or as down."""

    entry: NamedEngine
    engine: Engine
    is_ready: bool = False
    until: float = 0.0
    looking: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The engine that answers a run, by name, and `services` that use it. `change` is new and not in the log yet."""

    name: str
    services: Services
    change: ModelChange | None = None


class NamedEngines:
    """The engines that `table` returns, looked up at each choice. Safe for threads.

    One whose entry changed is opened again. Runs that use the old one keep it, and its connections close with it.
    """

    def __init__(self, table: Callable[[], Engines]) -> None:
        self._table = table
        self._opened: dict[str, _Opened] = {}
        self._lock = threading.Lock()

    def choose(self, wanted: str, owner: User, log: Log, services: Services) -> Chosen:
        """The engine for the next step of a run with this `log`, of a GPT of `owner` that names `wanted`.

        It stays the same for the whole run, unless it goes down. Raises EngineError.
        """
        last = next((step for step in reversed(log) if isinstance(step, ModelChange)), None)
        table = self._table()
        wanted = wanted or answering("", table)
        begun, reason = (last.engine, last.reason) if last else (wanted, "unavailable")
        if begun not in (table if last else offered(owner, table)):
            begun, reason = answering("", table), "not_offered"
        name = begun
        while not self._is_ready(name, table[name], services) and table[name].fallback != NO_FALLBACK:
            name, reason = table[name].fallback, "unavailable"
        change = ModelChange(wanted=wanted, engine=name, reason=reason)
        is_new = name != (last.engine if last else wanted)
        return Chosen(name, self._using(name, table[name], services), change if is_new else None)

    def has_fallback(self, name: str) -> bool:
        """Whether another engine answers while this one is down."""
        entry = self._table().get(name)
        return entry is not None and entry.fallback != NO_FALLBACK

    def failed(self, name: str, error: EngineError, services: Services) -> None:
        """Count the engine as down for a while."""
        opened = self._opened.get(name) or self._open(name, self._table()[name], services)
        logger.error("the model %s failed: %s", name, without_key(opened.entry, str(error)))
        opened.is_ready, opened.until = False, time.monotonic() + LOOK_S

    def close(self) -> None:
        """Close all of them but the default one."""
        with self._lock:
            for name, opened in self._opened.items():
                if name != DEFAULT:
                    opened.engine.close()
            self._opened.clear()

    def _using(self, name: str, entry: NamedEngine, services: Services) -> Services:
        if name == DEFAULT:
            return services
        return using(self._open(name, entry, services).engine, services)

    def _open(self, name: str, entry: NamedEngine, services: Services) -> _Opened:
        with self._lock:
            opened = self._opened.get(name)
            if opened is None or opened.entry != entry:
                engine = services.engine if name == DEFAULT else open_entry(entry)
                opened = self._opened[name] = _Opened(entry, engine)
            return opened

    def _is_ready(self, name: str, entry: NamedEngine, services: Services) -> bool:
        """Whether the engine answers, as of the last seconds. The default one without a fallback is not asked."""
        if name == DEFAULT and entry.fallback == NO_FALLBACK:
            return True
        opened = self._open(name, entry, services)
        with opened.looking:
            if time.monotonic() >= opened.until:
                health = opened.engine.health()
                if health.ready and name != DEFAULT:
                    _recall(opened)
                if not health.ready:
                    logger.warning("the model %s is down: %s", name, without_key(entry, health.detail))
                note_state(name, health.ready)
                opened.is_ready, opened.until = health.ready, time.monotonic() + LOOK_S
        return opened.is_ready


def open_entry(entry: NamedEngine) -> Engine:
    """The engine of a model at a server. Raises EngineError."""
    engine = open_engine(_config(entry))
    engine.learn(entry.known)
    return engine


def using(engine: Engine, services: Services) -> Services:
    """The services with this engine."""
    return replace(services, engine=engine, small=services.small.using(engine))


def _recall(opened: _Opened) -> None:
    """Set the engine's ability: what its entry says, and else what was measured when the site ran this model."""
    try:
        known = known_ability(opened.engine.fingerprint())
    except EngineError:
        known = {}
    opened.engine.learn({**known, **opened.entry.overrides})


def without_key(entry: NamedEngine, text: str) -> str:
    """`text` without the engine's key, which servers repeat in errors."""
    key = entry.key.get_secret_value()
    return text.replace(key, "…") if key else text


def _config(entry: NamedEngine) -> EngineConfig:
    try:
        egress = only_server(entry.url)
    except EgressRefused as error:
        raise EngineError(str(error)) from error
    return EngineConfig(
        engine="remote",
        egress=egress,
        remote_url=entry.url,
        remote_model=entry.model,
        remote_key=entry.key.get_secret_value(),
        context_tokens=entry.context_tokens,
    )
