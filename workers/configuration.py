"""Turns Django's settings into the services of a worker process, opened once, on first use."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial
from statistics import median
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError
from django.utils.crypto import salted_hmac

from gpts.runs.state import TurnState
from gpts.runs.steps import ModelReply
from gpts.safety.policy import Mode
from gpts.spec.tools import ToolSpec
from web.builder.set_up import tools_missing_here
from web.engines import DEFAULT, NamedEngine, engines
from web.operate.models import MeasuredModel
from web.operate.services import chosen_model, fixed_model, refuse_model, save_measurement, seen_model
from web.sending import send_task
from workers.egress import EgressConfig, Guard
from workers.engine import open_engine
from workers.engine.ability_cases import picked_tool
from workers.engine.base import BUNDLED, Engine, EngineConfig, EngineError
from workers.engine.local import prepare_local, uses_memory
from workers.engine.measuring import Measurement, known_measurement, measure
from workers.engine.switching import SwitchingEngine
from workers.engine.verifying import supported
from workers.knowledge.embed import shared_embedder
from workers.knowledge.index import KnowledgeIndex
from workers.knowledge.kept_notes import KeptNotes
from workers.knowledge.meaning import readable_similarity
from workers.knowledge.rerank import reranker_for
from workers.knowledge.segment_cache import SegmentCache
from workers.knowledge.stores import FaissFiles, VectorStore
from workers.knowledge.stores.pgvector import PgVector
from workers.models.machine import fits_beside
from workers.rpc.sign_ins import find_credential
from workers.runs.answering import model_reply
from workers.runs.engines import NamedEngines, open_entry, using, without_key
from workers.runs.services import Services
from workers.sandbox.settings import from_environment
from workers.smallmodel.conversation.classifier import MessageClassifier
from workers.smallmodel.reading.reader import Reader
from workers.smallmodel.routing.router import Router
from workers.smallmodel.small_model import SmallModel
from workers.tools.settings import ImageSettings, SearchSettings, ToolSettings

logger = logging.getLogger(__name__)

_opening = threading.RLock()
# About a page of text.
PAGE_TOKENS: Final = 500


def base_model() -> str:
    """The model to load: the one that BASE_MODEL names, else the one that an operator chose, else the bundled one."""
    if fixed := fixed_model():
        return fixed
    try:
        chosen = chosen_model()
        return chosen.base_model if chosen else BUNDLED
    except DatabaseError:  # commands such as `bench` work without a database
        return BUNDLED


def engine_config() -> EngineConfig:
    """The engine's configuration from the settings and the choice of an operator."""
    is_vllm = settings.ENGINE == "vllm"
    return EngineConfig(
        engine=settings.ENGINE,
        base_model=base_model(),
        home=settings.GUILDHALL_HOME,
        remote_url=f"http://127.0.0.1:{settings.ENGINE_PORT}" if is_vllm else settings.ENGINE_URL,
        remote_model=settings.ENGINE_MODEL,
        # The site's own vLLM has a key that everything with the site's secret knows.
        remote_key=salted_hmac("guildhall.vllm", "", algorithm="sha256").hexdigest()
        if is_vllm
        else settings.ENGINE_KEY,
        context_tokens=engines()[DEFAULT].context_tokens,
        threads=settings.ENGINE_THREADS,
        cache_tokens=settings.ENGINE_CACHE_TOKENS,
        weight_bits=settings.ENGINE_WEIGHT_BITS,
        script=settings.ENGINE_SCRIPT,
    )


def egress_config() -> EgressConfig:
    """The limits on addresses that others choose. Raises ValueError for an invalid entry."""
    config = EgressConfig(allow=settings.EGRESS_ALLOW, deny=settings.EGRESS_DENY)
    Guard(config)
    return config


def tool_settings() -> ToolSettings:
    """The settings of tools now. Raises ValueError like `egress_config`."""
    egress = egress_config()
    return ToolSettings(
        egress=egress,
        find_credential=partial(find_credential, egress),
        search=SearchSettings(settings.SEARCH_PROVIDER, settings.SEARCH_URL, settings.SEARCH_KEY),
        images=ImageSettings(
            model=settings.IMAGE_MODEL,
            url=settings.IMAGE_URL,
            key=settings.IMAGE_KEY,
            steps=settings.IMAGE_STEPS,
            guidance=settings.IMAGE_GUIDANCE,
            timeout_s=settings.IMAGE_TIMEOUT_S,
        ),
        mcp_commands=tuple(settings.MCP_COMMANDS),
        sandbox=from_environment().socket,
        missing=tools_missing_here(),
    )


def follow_choice() -> None:
    """Change to the model that an operator chose since this process opened its own. Logs what goes wrong.

    If that cannot be opened, the choice goes back to what it was.
    """
    if settings.ENGINE != "hf":
        return
    new, engine = engine_config(), services().engine
    if not isinstance(engine, SwitchingEngine) or new.base_model == engine.base_model:
        return
    old = replace(new, base_model=engine.base_model)
    logger.info("changing the model from %s to %s", old.base_model, new.base_model)
    try:
        with _as_engine_error():
            needed = prepare_local(new, logger.info)
        reopen = None if fits_beside(needed) and uses_memory(new) else partial(open_engine, old)
        engine.switch(_as_engine_error()(partial(open_engine, new)), reopen)
    except EngineError as error:
        logger.error("the model was not changed: %s", error)
        refuse_model(new.base_model, old.base_model, str(error))
        return
    engine.base_model = new.base_model
    _first_recall(engine)


@contextmanager
def _as_engine_error() -> Iterator[None]:
    """Turns whatever libraries raise for the files of a model into EngineError."""
    try:
        yield
    except EngineError:
        raise
    except Exception as error:
        logger.exception("the model cannot be loaded")
        reason = f"Its files can't be loaded ({type(error).__name__}). The log of the model worker has the details."
        raise EngineError(reason) from error


@cache
def named_engines() -> NamedEngines:
    """The operator's models beside the default one, none of which is open yet."""
    return NamedEngines(engines)


def services() -> Services:
    """The services of this process; the first call loads the base model. Raises EngineError."""
    with _opening:
        return _services()


def close() -> None:
    """Close the engine if it is open."""
    with _opening:
        named_engines().close()
        if _services.cache_info().currsize:
            _services().engine.close()


def recall_ability(engine: Engine, name: str) -> MeasuredModel | None:
    """Set the engine's ability from the record of its model, called `name`, and return the record; None if scripted.

    Raises EngineError if a server does not say which model it runs, and DatabaseError; the ability then stays.
    """
    if settings.ENGINE == "scripted":
        return None
    record = seen_model(engine.fingerprint(), name)
    if record.measured_at is None and (known := known_measurement(record.fingerprint)):
        keep_measurement(record, known)
    engine.learn(record.known())
    return record


def measure_entry(entry: NamedEngine, say: Callable[[str], object]) -> MeasuredModel:
    """Measure a model at a server like the site's own. Raises EngineError, without the server's key."""
    engine = open_entry(entry)
    try:
        if not (health := engine.health()).ready:
            raise EngineError(health.detail)
        names = {"name": entry.model, "seen_at": None}
        record, _ = MeasuredModel.objects.get_or_create(fingerprint=engine.fingerprint(), defaults=names)
        measure_ability(engine, record, say, using(engine, services()))
    except EngineError as error:
        raise EngineError(without_key(entry, str(error))) from None
    finally:
        engine.close()
    return record


def measure_ability(
    engine: Engine, record: MeasuredModel, say: Callable[[str], object], used: Services | None = None
) -> Measurement:
    """Measure the engine's model through the code of real runs, and store the result. Raises EngineError."""
    timed = TimedReplies(used)
    verify = partial(supported, engine=engine, deadline_s=settings.REPLY_DEADLINE_S)
    found = measure(timed, engine.ability(), say, verify=verify, takes_pictures=engine.takes_pictures)
    keep_measurement(record, found, timed, engine.ability().context_tokens)
    engine.learn(record.known())
    return found


class TimedReplies:
    """The model's replies in a turn, as in a run; what they took in tokens, and how fast they were written."""

    def __init__(self, used: Services | None = None) -> None:
        self._used = used
        self.n_read = self.n_written = 0
        self.streams = False
        self._first_ms: list[int] = []
        self._n_tokens, self._seconds = 0, 0.0

    def __call__(self, state: TurnState) -> ModelReply:
        started = time.monotonic()
        shown: list[str] = []
        reply = _reply(state, self._used, shown.append)
        self.streams = self.streams or len(shown) > 1
        if reply.first_token_ms:
            self._first_ms.append(reply.first_token_ms)
        self.n_read += reply.prompt_tokens
        self.n_written += reply.completion_tokens
        seconds = time.monotonic() - started - reply.first_token_ms / 1000
        if reply.completion_tokens > 1 and reply.first_token_ms and seconds > 0:
            self._n_tokens += reply.completion_tokens - 1
            self._seconds += seconds
        return reply

    @property
    def tokens_per_s(self) -> float:
        """After the first token of each reply; 0 if there were none."""
        return self._n_tokens / self._seconds if self._seconds else 0.0

    def speed(self) -> dict[str, float]:
        """For pages: seconds to the first word, and to a page of text."""
        if not self._first_ms:
            return {}
        found = {"first_s": round(median(self._first_ms) / 1000, 1), "streams": self.streams}
        if not self.tokens_per_s:
            return found
        page_s = round(found["first_s"] + PAGE_TOKENS / self.tokens_per_s, 1)
        return {**found, "tokens_per_s": round(self.tokens_per_s, 1), "page_s": page_s}


def _reply(
    state: TurnState, used: Services | None = None, show: Callable[[str], None] = lambda text: None
) -> ModelReply:
    """The model's reply in a turn, as in a run."""
    return model_reply(state, used or services(), show)


def _picked(message: str, tools: Sequence[ToolSpec]) -> str:
    """The tool that the model picks for the message, prompted as when its ability was measured."""
    return picked_tool(_reply, services().engine.ability(), message, list(tools))


def keep_measurement(
    record: MeasuredModel, found: Measurement, timed: TimedReplies | None = None, context_tokens: int = 0
) -> None:
    """Store the measurement of the model, and what its `timed` replies took."""
    figures: dict[str, Any] = {name: figure.model_dump() for name, figure in found.figures.items()}
    if timed:
        figures["tokens"] = {"read": timed.n_read, "written": timed.n_written}
        if speed := timed.speed():
            figures["speed"] = {**speed, "context_tokens": context_tokens}
    save_measurement(record, figures, found.fields(), found.seconds)
    record.refresh_from_db()


def policy() -> Mode:
    """When a call with an effect needs approval: strict or balanced."""
    return "balanced" if settings.POLICY == "balanced" else "strict"


@cache
def _services() -> Services:
    config = engine_config()
    try:
        with _as_engine_error():
            engine: Engine = open_engine(config)
    except EngineError as error:
        if config.engine != "hf" or fixed_model() or config.base_model == BUNDLED:
            raise
        logger.error("the chosen model was not loaded: %s", error)
        refuse_model(config.base_model, BUNDLED, str(error))
        config = replace(config, base_model=BUNDLED)
        engine = open_engine(config)
    if config.engine == "hf":
        engine = SwitchingEngine(engine, config.base_model)
    _first_recall(engine)
    embedder = shared_embedder(settings.EMBEDDER, home=settings.GUILDHALL_HOME)
    index = KnowledgeIndex(
        settings.GUILDHALL_HOME,
        embedder,
        reranker=reranker_for(settings.RERANKER),
        open_store=_open_store,
        request_union=_request_union,
    )
    learned_for = shared_embedder()  # whatever searches the files
    router, classifier = Router(learned_for), MessageClassifier(learned_for)
    similarity, reads = readable_similarity(embedder), Reader(learned_for)
    small = SmallModel(engine, router, classifier, similarity, settings.REPLY_DEADLINE_S, _picked, reads)
    notes = KeptNotes(settings.GUILDHALL_HOME)
    return Services(engine, index, embedder, small, notes, settings.REPLY_DEADLINE_S, settings.QUERY_EXPANSION)


def _first_recall(engine: Engine) -> None:
    """Recall the ability of a model just opened, if possible; the heartbeat repeats it."""
    try:
        recall_ability(engine, engine.health().model)
    except EngineError as error:
        logger.warning("the model's ability is not known yet: %s", error)
    except DatabaseError:  # commands such as `bench` work without a database
        if known := known_measurement(engine.fingerprint()):
            engine.learn(known.fields())


def _open_store(cache: SegmentCache) -> VectorStore:
    if settings.VECTOR_STORE == "files":
        return FaissFiles(cache)
    return PgVector(cache, settings.VECTOR_STORE)


def _request_union(name: str) -> None:
    send_task("workers.tasks.build_union", name, queue="index")
