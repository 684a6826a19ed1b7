"""Phrases by which the store finds GPTs, written by a capable model: what people may type who need one.

They are written while no run is under way, one GPT after the other, those that were published last first. A worker
that is killed, or stopped by a chat, loses the phrases of one.
"""

from contextlib import suppress
from typing import Final

from django.conf import settings

from gpts.runs.search_texts import PHRASES_TOKENS, phrases_request, read_phrases
from web.builder.models import Gpt
from web.builder.models_store import SearchEntry
from workers.engine.base import PromptTooLong
from workers.indexing.contexts import RunWaits, unless_run_waits
from workers.indexing.store import take_phrases
from workers.knowledge import publishing
from workers.runs.services import Services
from workers.runs.writing import Show, write

# GPTs that get phrases in one go.
AT_ONCE: Final = 100


def write_phrases(services: Services) -> None:
    """Write the phrases that GPTs of the store lack, unless the model can't or has other work. Raises EngineError."""
    if not services.engine.ability().keeps_to_sources:
        return
    lacking = SearchEntry.objects.filter(gpt__in=Gpt.objects.in_store(), phrases__isnull=True).exclude(embedder="")
    with publishing.locked(settings.GUILDHALL_HOME / "run" / "phrases.lock") as is_locked, suppress(RunWaits):
        for entry in lacking.select_related("version").order_by("-changed")[: AT_ONCE * is_locked]:
            take_phrases(entry, phrases_of(entry, services, unless_run_waits()), services.embedder)


def phrases_of(entry: SearchEntry, services: Services, check: Show) -> list[str]:
    """What the model writes for the GPT. Raises EngineError, or what `check` raises to stop."""
    card = entry.version.data
    request = phrases_request(card["name"], card["description"], card["starters"])
    check("")
    try:
        return read_phrases(write(request, PHRASES_TOKENS, services, check).text)
    except PromptTooLong:
        return []
