"""Looks at the sources of knowledge that are due: reads them through their connectors, and tells what was found."""

import logging
from time import monotonic
from typing import Final

from web.builder import sources
from web.builder.models_sources import Source, SourceCheck
from web.secrets import SecretLost
from workers.connectors import Item, Reader, SourceError, connectors
from workers.egress import EgressConfig, EgressError

logger = logging.getLogger(__name__)
# Of one look; what was found by then is kept, and the next one goes on from it.
MOST_S: Final = 1_800.0
# Between two extensions of the claim.
CLAIM_S: Final = 20.0
LOST: Final = "The secret can’t be decrypted. Enter it again."
LATE: Final = "It took too long. What was read by then is kept."
UNEXPECTED: Final = "Something went wrong. The error was logged."


def check_sources(egress: EgressConfig) -> None:
    """Look at all sources that are due, one after the other."""
    while source := sources.claim():
        check(source, egress)


class _Clock:
    """Extends the claim from time to time. Raises Lost, and SourceError when the look takes too long."""

    def __init__(self, source: Source) -> None:
        self._source, self._end, self._next = source, monotonic() + MOST_S, 0.0

    def __call__(self) -> None:
        now = monotonic()
        if now > self._end:
            raise SourceError(LATE)
        if now >= self._next:
            self._next = now + CLAIM_S
            sources.still_claimed(self._source)


def check(source: Source, egress: EgressConfig) -> None:
    """Look at the claimed source."""
    looked, seen = sources.begin(source), set()
    clock = _Clock(source)
    try:
        reader = Reader(egress, sources.known(source), clock)
        for item in connectors()[source.kind](source.read_settings(), source.get_secret(), reader):
            clock()
            if item.key not in seen:
                seen.add(item.key)
                _tell(looked, item)
        sources.finish(looked, seen)
    except sources.Lost:
        logger.info("stopped looking at %s: removed, paused or taken over", source.id)
    except (SourceError, EgressError) as error:
        sources.failed(looked, str(error))
    except SecretLost:
        sources.failed(looked, LOST)
    except Exception:
        logger.exception("looking at the source %s failed", source.id)
        sources.failed(looked, UNEXPECTED)


def _tell(looked: SourceCheck, item: Item) -> None:
    sources.found(looked, item.key, item.name, item.version, item.content, item.error)
