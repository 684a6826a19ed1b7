"""Looks at the sources of knowledge that are due: reads them through their connectors, and tells what was found."""

import logging
from functools import partial
from time import monotonic
from typing import Final

from web.builder import sources
from web.builder.models_sources import Source, SourceCheck
from web.secrets import SecretLost
from workers.connectors import Item, Reader, SourceError, connectors
from workers.egress import EgressConfig, EgressError
from workers.slots import work_on_next

logger = logging.getLogger(__name__)
# Of one look; what was found by then is kept, and the next one goes on from it.
MOST_S: Final = 1_800.0
MOST_BYTES: Final = 500_000_000
# Between two extensions of the claim.
CLAIM_S: Final = 20.0
LOST: Final = "The secret can’t be decrypted. Enter it again."
LATE: Final = "It took too long. What was read by then is kept."
LARGE: Final = "It has more than 500 MB. What was read by then is kept: choose a smaller part of it."
UNEXPECTED: Final = "Something went wrong. The error was logged."


def check_next(egress: EgressConfig) -> bool:
    """Look at the source that is due first, of whoever's turn it is. False if there is none.

    A look may wait for a slow server for as long as it may take, so that each person has one at a time.
    """
    waiting, at_work = (rows.values_list("gpt__owner", flat=True) for rows in (sources.due(), sources.at_work()))
    return work_on_next("sources", waiting, at_work, sources.claim, partial(check, egress=egress))


class _Budget:
    """Extends the claim from time to time. Raises Lost, and SourceError when the look takes too long or too much."""

    def __init__(self, source: Source) -> None:
        self._source, self._end, self._next, self._left = source, monotonic() + MOST_S, 0.0, MOST_BYTES

    def spend(self, n_bytes: int) -> None:
        """Count what was read."""
        self._left -= n_bytes
        if self._left < 0:
            raise SourceError(LARGE)

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
    budget = _Budget(source)
    try:
        reader = Reader(egress, sources.known(source), budget, budget.spend)
        for item in connectors()[source.kind](source.read_settings(), source.get_secret(), reader):
            budget()
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
