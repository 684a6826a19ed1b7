"""Announces that this process has its model ready (for /readyz), and which capabilities are unavailable."""

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Final

from django.conf import settings
from django.db import DatabaseError, close_old_connections

from web.accounts import live_settings
from web.operate import connecting
from web.operate.models import MeasuredModel
from web.operate.services import claim_measuring, give_up_measuring
from web.runs.stream import announce_model, announce_tools
from workers.configuration import (
    follow_choice,
    measure_ability,
    measure_entry,
    recall_ability,
    services,
    tool_settings,
)
from workers.engine.base import Engine, EngineError
from workers.indexing import contexts, phrases
from workers.model_downloads import start_downloads
from workers.model_survey import survey
from workers.runs.services import Services
from workers.sandbox.client import Client
from workers.tools.builtin import missing

logger = logging.getLogger(__name__)

BEAT_S: Final = 10.0
UNEXPECTED: Final = "Something unexpected went wrong. The log of the model worker has the details."


def start_model() -> None:
    """In the background, load the model, announce it while it is healthy, and write with it what searches need."""
    _repeat("model-heartbeat", _announce_model)
    if settings.STORE_PHRASES:
        _repeat("store-phrases", partial(_write, phrases.write_phrases, "phrases for the store's search"))
    if settings.CONTEXTUAL_CHUNKS:
        contexts.request_missing()
        _repeat("context-lines", partial(_write, contexts.write_lines, "lines of context"))


def start_checks() -> None:
    """Check connected models in the background when an operator asked for it."""
    _repeat("connected-checks", check_connected)


def check_connected() -> None:
    """Check the connected models that wait for it."""
    close_old_connections()
    try:
        while row := connecting.claim_check():
            try:
                connecting.end_check(row, measure_entry(row.entry(), partial(logger.info, "%s: %s", row.name)))
            except EngineError as error:
                logger.error("%s could not be checked: %s", row.name, error)
                connecting.end_check(row, None, str(error))
            except Exception:
                connecting.end_check(row, None, UNEXPECTED)
                raise
    except Exception:  # the next check must not depend on this one
        logger.exception("a connected model could not be checked")


def start_choice() -> None:
    """Change the model in the background when an operator chose another one."""
    _repeat("model-choice", _follow_choice)


def start_survey() -> None:
    """In the background, tell pages which models there are, and start downloads that are due."""
    if settings.ENGINE == "hf":
        _repeat("model-survey", _survey)


def start_tools() -> None:
    """Announce in the background which capabilities are unavailable on this machine, and who uses sandboxes."""
    _repeat("tools-heartbeat", announce_tools_of_machine)


def announce_tools_of_machine() -> None:
    """Announce it once."""
    live_settings.follow()
    announce_tools(missing(tool_settings()), Client(tool_settings().sandbox).n_live())


def _repeat(name: str, announce: Callable[[], None]) -> None:
    def beat_forever() -> None:
        while True:
            announce()
            threading.Event().wait(BEAT_S)

    threading.Thread(target=beat_forever, name=name, daemon=True).start()


def _follow_choice() -> None:
    close_old_connections()
    try:
        follow_choice()
    except (EngineError, DatabaseError):
        logger.exception("the chosen model could not be read; trying again")


def _survey() -> None:
    close_old_connections()
    try:
        survey()
        start_downloads()
    except Exception:  # a damaged model on disk must not end the downloads
        logger.exception("the models could not be surveyed; trying again")


def _write(write: Callable[[Services], None], what: str) -> None:
    close_old_connections()
    try:
        write(services())
    except (EngineError, DatabaseError, OSError):
        logger.exception("%s could not be written; trying again", what)


def _announce_model() -> None:
    """Announce that the model is ready, and reload its ability, which an operator may have overridden."""
    close_old_connections()
    try:
        engine = services().engine
        health = engine.health()
        if not health.ready:
            logger.error("the model is not ready: %s", health.detail)
            return
        announce_model(health.model, ability=engine.ability().model_dump(), ignores=sorted(engine.ignores))
        record = recall_ability(engine, health.model)
        if record and record.measured_at is None and claim_measuring(record):
            threading.Thread(target=_measure, args=(engine, record), name="model-check", daemon=True).start()
    except EngineError as error:
        logger.error("the model is not ready: %s", error)
    except DatabaseError:
        logger.exception("the ability of the model could not be read; trying again")


def _measure(engine: Engine, record: MeasuredModel) -> None:
    """Measure the model while it answers chats."""
    logger.info("checking what %s can do", record.name)
    try:
        found = measure_ability(engine, record, lambda text: logger.info("%s: %s", record.name, text))
        logger.info("%s: %s", record.name, found.fields())
    except Exception as error:
        logger.exception("%s could not be checked; trying again later", record.name)
        give_up_measuring(record, (isinstance(error, EngineError) and str(error)) or UNEXPECTED)
    finally:
        close_old_connections()
