"""Telling the site that this process has its model loaded, for /readyz and the operator."""

import logging
import threading
from typing import Final

from web.runs.stream import announce_model
from workers.configuration import hands
from workers.engine.base import EngineError

logger = logging.getLogger(__name__)

BEAT_S: Final = 10.0


def start() -> None:
    """Load the model in the background and announce it for as long as it is healthy."""
    threading.Thread(target=_beat_for_ever, name="model-heartbeat", daemon=True).start()


def _beat_for_ever() -> None:
    while True:
        try:
            health = hands().engine.health()
            if health.ready:
                announce_model(health.model)
        except EngineError as error:
            logger.error("the model is not ready: %s", error)
        threading.Event().wait(BEAT_S)
