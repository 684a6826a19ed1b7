"""Telling the site what this process has ready: its model, for /readyz; and which capabilities cannot work here."""

import logging
import threading
from collections.abc import Callable
from typing import Final

from web.runs.stream import announce_missing, announce_model
from workers.configuration import services, tool_settings
from workers.engine.base import EngineError
from workers.tools.builtin import missing

logger = logging.getLogger(__name__)

BEAT_S: Final = 10.0


def start_model() -> None:
    """Load the model in the background and announce it for as long as it is healthy."""
    _repeat("model-heartbeat", _announce_model)


def start_tools() -> None:
    """Announce in the background which capabilities cannot work on this machine."""
    _repeat("tools-heartbeat", lambda: announce_missing(missing(tool_settings())))


def _repeat(name: str, announce: Callable[[], None]) -> None:
    def beat_for_ever() -> None:
        while True:
            announce()
            threading.Event().wait(BEAT_S)

    threading.Thread(target=beat_for_ever, name=name, daemon=True).start()


def _announce_model() -> None:
    try:
        health = services().engine.health()
        if health.ready:
            announce_model(health.model)
    except EngineError as error:
        logger.error("the model is not ready: %s", error)
