"""The one place where workers read Django's settings, and where what they share is opened: once, on first use."""

import threading
from functools import cache

from django.conf import settings

from web.sending import send_task
from workers.answering import Hands
from workers.engine import open_engine
from workers.engine.config import EngineConfig
from workers.knowledge.embed import shared_embedder
from workers.knowledge.index import KnowledgeIndex
from workers.knowledge.rerank import reranker_for
from workers.knowledge.shelf import Shelf
from workers.knowledge.stores import VectorStore
from workers.knowledge.stores.faiss_files import FaissFiles
from workers.knowledge.stores.pgvector import PgVector
from workers.tools import images
from workers.tools.images.config import ImageConfig

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
    )


def configure_tools() -> None:
    """Give the tools of this process their settings."""
    images.configure(image_config())


def hands() -> Hands:
    """What this process answers with: loads the base model on the first call. Raises EngineError."""
    with _opening:
        return _hands()


def close() -> None:
    """Close the engine, if this process has opened one."""
    with _opening:
        if _hands.cache_info().currsize:
            _hands().engine.close()


@cache
def _hands() -> Hands:
    engine = open_engine(engine_config())
    embedder = shared_embedder(settings.EMBEDDER)
    index = KnowledgeIndex(
        settings.GUILDHALL_HOME,
        embedder,
        reranker=reranker_for(settings.RERANKER),
        open_store=_open_store,
        want_union=_want_union,
    )
    return Hands(engine, index, embedder, settings.REPLY_DEADLINE_S, settings.ANSWERS_FROM_FILES == "quote")


def _open_store(shelf: Shelf) -> VectorStore:
    if settings.VECTOR_STORE == "files":
        return FaissFiles(shelf)
    return PgVector(shelf, settings.VECTOR_STORE)


def _want_union(name: str) -> None:
    send_task("workers.tasks.build_union", name, queue="tools")
