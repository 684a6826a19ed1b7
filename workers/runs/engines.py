"""Which model answers a run: the one that its GPT names, or a fallback while that one is down.

Named models are engines at servers, opened on first use and kept. That one failed is remembered for a few seconds,
so that not every message waits for it again. Keys and addresses are in no message that leaves the worker's log.
"""

import logging
import threading
import time
from dataclasses import dataclass, field, replace
from typing import Final

from gpts.runs.steps import Log, ModelChange
from web.accounts.models import User
from web.engines import DEFAULT, NO_FALLBACK, Engines, NamedEngine, offered
from web.operate.services import known_ability
from workers.engine import open_engine
from workers.engine.base import Engine, EngineConfig, EngineError
from workers.runs.services import Services

logger = logging.getLogger(__name__)

# How long an answer to "are you there?", or a failure, counts.
LOOK_S: Final = 10.0


@dataclass(slots=True)
class _Opened:
    """An open engine, and until when it counts as ready or as down."""

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
    """The engines of `table`; the default one is `default()`. Safe for threads."""

    def __init__(self, table: Engines) -> None:
        self.table = table
        self._opened: dict[str, _Opened] = {}
        self._lock = threading.Lock()

    def choose(self, wanted: str, owner: User, log: Log, services: Services) -> Chosen:
        """The engine for the next step of a run with this `log`, of a GPT of `owner` that names `wanted`.

        It stays the same for the whole run, unless it goes down. Raises EngineError.
        """
        last = next((step for step in reversed(log) if isinstance(step, ModelChange)), None)
        wanted = wanted or DEFAULT
        begun, reason = (last.engine, last.reason) if last else (wanted, "unavailable")
        if begun not in (self.table if last else offered(self.table, owner)):
            begun, reason = DEFAULT, "not_offered"
        name = begun
        while not self._is_ready(name, services) and self.has_fallback(name):
            name, reason = self.table[name].fallback, "unavailable"
        change = ModelChange(wanted=wanted, engine=name, reason=reason)
        is_new = name != (last.engine if last else wanted)
        return Chosen(name, self._using(name, services), change if is_new else None)

    def has_fallback(self, name: str) -> bool:
        """Whether another engine answers while this one is down."""
        return self.table[name].fallback != NO_FALLBACK

    def failed(self, name: str, error: EngineError, services: Services) -> None:
        """Count the engine as down for a while."""
        logger.error("the model %s failed: %s", name, self._without_key(name, str(error)))
        opened = self._open(name, services)
        opened.is_ready, opened.until = False, time.monotonic() + LOOK_S

    def close(self) -> None:
        """Close all of them but the default one."""
        with self._lock:
            for name, opened in self._opened.items():
                if name != DEFAULT:
                    opened.engine.close()
            self._opened.clear()

    def _using(self, name: str, services: Services) -> Services:
        if name == DEFAULT:
            return services
        engine = self._open(name, services).engine
        return replace(services, engine=engine, small=services.small.using(engine))

    def _open(self, name: str, services: Services) -> _Opened:
        with self._lock:
            if name not in self._opened:
                engine = services.engine if name == DEFAULT else open_engine(_config(self.table[name]))
                if name != DEFAULT:
                    engine.learn(self.table[name].overrides)
                self._opened[name] = _Opened(engine)
            return self._opened[name]

    def _is_ready(self, name: str, services: Services) -> bool:
        """Whether the engine answers, as of the last seconds. The default one without a fallback is not asked."""
        if name == DEFAULT and not self.has_fallback(name):
            return True
        opened = self._open(name, services)
        with opened.looking:
            if time.monotonic() >= opened.until:
                health = opened.engine.health()
                if health.ready and name != DEFAULT:
                    self._recall(name, opened.engine)
                if not health.ready:
                    logger.warning("the model %s is down: %s", name, self._without_key(name, health.detail))
                opened.is_ready, opened.until = health.ready, time.monotonic() + LOOK_S
        return opened.is_ready

    def _recall(self, name: str, engine: Engine) -> None:
        """Set the engine's ability: what the file says, and else what was measured when the site ran this model."""
        try:
            known = known_ability(engine.fingerprint())
        except EngineError:
            known = {}
        engine.learn({**known, **self.table[name].overrides})

    def _without_key(self, name: str, text: str) -> str:
        """`text` without the engine's key, which servers repeat in errors."""
        key = self.table[name].key.get_secret_value()
        return text.replace(key, "…") if key else text


def _config(entry: NamedEngine) -> EngineConfig:
    return EngineConfig(
        engine="remote",
        remote_url=entry.url,
        remote_model=entry.model,
        remote_key=entry.key.get_secret_value(),
        context_tokens=entry.context_tokens,
    )
