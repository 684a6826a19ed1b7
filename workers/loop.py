"""One run, advanced as far as it goes: claim, read, decide, perform, append, until it must wait or is over."""

import logging
from collections.abc import Callable
from typing import Final
from uuid import UUID

from gpts.plan import Queue, Stop, Wait, decide, queue_of
from gpts.spec import GptSpec
from gpts.steps import Error, UserMessage
from web.runs import log, services
from web.runs.errors import LeaseLost, RunOver
from web.runs.models import Run
from web.runs.wake import wake
from workers import leases
from workers.answering import Hands
from workers.engine.base import EngineError, PromptTooLong
from workers.knowledge.errors import KnowledgeError
from workers.perform import Turn, perform
from workers.tools import granted

logger = logging.getLogger(__name__)

# Times that workers may take up one run before it is called failed: a run that kills its worker must not go round.
MAX_ATTEMPTS: Final = 8
UNANSWERED: Final = "The model is not answering right now. Your message is kept; try again."
FAILED: Final = "Something went wrong while answering. Your message is kept; try again."


def advance(run_id: UUID, queue: Queue, hands: Callable[[], Hands]) -> None:
    """Work on the run until its next step belongs to nobody or to another queue. Safe to call at any time."""
    lease = log.claim(run_id)
    if lease is None:
        return
    with leases.keep(lease) as held:
        try:
            _advance(run_id, queue, hands, held)
        except (LeaseLost, RunOver):
            logger.info("run %s is no longer ours", run_id)
        except (PromptTooLong, KnowledgeError) as error:
            _fail(run_id, lease, str(error))
        except EngineError as error:
            logger.error("run %s: %s", run_id, error)
            _fail(run_id, lease, UNANSWERED)
        except Exception:
            logger.exception("run %s failed", run_id)
            _fail(run_id, lease, FAILED)


def _advance(run_id: UUID, queue: Queue, hands: Callable[[], Hands], held: leases.Held) -> None:
    run = Run.objects.select_related("message__conversation", "version").get(id=run_id)
    spec = _spec(run)
    tools, history = granted(spec.capabilities), services.history(run)
    if run.n_attempts > MAX_ATTEMPTS:
        services.finish_run(run_id, Error(message=FAILED), held.token)
        return
    while True:
        steps = log.read(run_id)
        decision = decide(spec, steps, tools)
        if isinstance(decision, Stop):
            return
        if isinstance(decision, Wait):
            if log.release(run_id, held.token, len(steps)):
                return
        elif queue_of(decision) not in (queue, None):
            log.hand_over(run_id, held.token)
            wake(run_id, queue_of(decision) or queue)
            return
        else:
            perform(decision, Turn(spec, steps, history, tools, run, held), hands)


def _spec(run: Run) -> GptSpec:
    spec, first = run.version.spec(), log.read(run.id)[0]
    return first.overrides.applied_to(spec) if isinstance(first, UserMessage) else spec


def _fail(run_id: UUID, lease: str, message: str) -> None:
    try:
        services.finish_run(run_id, Error(message=message), lease)
    except (LeaseLost, RunOver):
        logger.info("run %s ended before its failure was noted", run_id)
