"""The one place where workers read Django's settings, and where what they share is opened: once, on first use."""

import threading
from collections.abc import Callable
from functools import cache

from django.conf import settings

from gpts.safety.policy import Mode
from web.sending import send_task
from workers.egress import EgressConfig, Guard
from workers.engine import open_engine
from workers.engine.config import EngineConfig
from workers.knowledge.embed import shared_embedder
from workers.knowledge.index import KnowledgeIndex
from workers.knowledge.rerank import reranker_for
from workers.knowledge.shelf import Shelf
from workers.knowledge.stores import VectorStore
from workers.knowledge.stores.faiss_files import FaissFiles
from workers.knowledge.stores.pgvector import PgVector
from workers.rpc.sign_ins import lend
from workers.runs.answering import Runtime
from workers.smallmodel.routing.router import Router
from workers.tools import images, web
from workers.tools.actions.credentials import set_provider
from workers.tools.images.config import ImageConfig
from workers.tools.mcp.session import allow_commands
from workers.tools.network import set_egress
from workers.tools.web.config import WebConfig

_opening = threading.RLock()


def engine_config() -> EngineConfig:
    """The engine that the settings ask for."""
    return EngineConfig(
        engine=settings.ENGINE,
        base_model=settings.BASE_MODEL,
        home=settings.GUILDHALL_HOME,
        remote_url=settings.ENGINE_URL,
        remote_model=settings.ENGINE_MODEL,
        remote_key=settings.ENGINE_KEY,
        threads=settings.ENGINE_THREADS,
        cache_tokens=settings.ENGINE_CACHE_TOKENS,
        script=settings.ENGINE_SCRIPT,
    )


def image_config() -> ImageConfig:
    """What draws pictures, as the settings have it."""
    return ImageConfig(
        model=settings.IMAGE_MODEL,
        url=settings.IMAGE_URL,
        key=settings.IMAGE_KEY,
        steps=settings.IMAGE_STEPS,
        guidance=float(settings.IMAGE_GUIDANCE) if settings.IMAGE_GUIDANCE else None,
        timeout_s=settings.IMAGE_TIMEOUT_S,
        egress=egress_config(),
    )


def egress_config() -> EgressConfig:
    """What may be reached of addresses that others choose. Raises ValueError where a line of it makes no sense."""
    config = EgressConfig(allow=settings.EGRESS_ALLOW, deny=settings.EGRESS_DENY)
    Guard(config)
    return config


def web_config() -> WebConfig:
    """What browsing GPTs search with and may reach."""
    return WebConfig(
        provider=settings.SEARCH_PROVIDER,
        search_url=settings.SEARCH_URL,
        search_key=settings.SEARCH_KEY,
        egress=egress_config(),
    )


def configure_tools() -> None:
    """Give the tools of this process their settings."""
    set_egress(egress_config())
    set_provider(lend)
    allow_commands(list(settings.MCP_COMMANDS))
    web.configure(web_config())
    images.configure(image_config())


def runtime() -> Runtime:
    """What this process answers with: loads the base model on the first call. Raises EngineError."""
    with _opening:
        return _runtime()


def close() -> None:
    """Close the engine, if this process has opened one."""
    with _opening:
        if _runtime.cache_info().currsize:
            _runtime().engine.close()


def quotes() -> bool:
    """Whether the model is too small to word answers from what was found or done."""
    return bool(settings.ANSWERS_FROM_FILES == "quote")


def policy() -> Mode:
    """When a call with an effect needs a person's word: strict or balanced."""
    return "balanced" if settings.POLICY == "balanced" else "strict"


def is_routed(runtime: Callable[[], Runtime]) -> bool:
    """Whether tools are chosen by the router; the model is opened only if the settings leave it to its ability."""
    if settings.TOOL_CALLING == "auto":
        return not runtime().engine.health().native_tools
    return bool(settings.TOOL_CALLING == "routed")


@cache
def _runtime() -> Runtime:
    engine = open_engine(engine_config())
    embedder = shared_embedder(settings.EMBEDDER)
    index = KnowledgeIndex(
        settings.GUILDHALL_HOME,
        embedder,
        reranker=reranker_for(settings.RERANKER),
        open_store=_open_store,
        want_union=_want_union,
    )
    return Runtime(engine, index, embedder, settings.REPLY_DEADLINE_S, quotes(), Router(embedder))


def _open_store(shelf: Shelf) -> VectorStore:
    if settings.VECTOR_STORE == "files":
        return FaissFiles(shelf)
    return PgVector(shelf, settings.VECTOR_STORE)


def _want_union(name: str) -> None:
    send_task("workers.tasks.build_union", name, queue="index")
