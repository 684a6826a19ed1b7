"""Advances one run: claim, read, decide, perform, append, until it must wait or is over."""

import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final
from uuid import UUID

from gpts.runs.decisions import (
    CallModel,
    Decision,
    Finish,
    GiveUp,
    Queue,
    ReadPart,
    ShowResults,
    Stop,
    Wait,
    WriteCall,
)
from gpts.runs.plan import Circumstances, decide, queue_of
from gpts.runs.state import TurnState
from gpts.runs.steps import Cancelled, Error, Overrides, UserMessage, current_part
from gpts.safety.policy import Standing
from gpts.spec.ability import ModelAbility
from gpts.spec.gpt import GptSpec
from gpts.spec.tools import ToolSpec
from web.builder.sign_ins import sign_in_needed
from web.engines import DEFAULT
from web.runs import delegations, fair_queue, log, permissions, stream
from web.runs.errors import LeaseLost, RunOver
from web.runs.models import Run
from web.runs.services import finish_run
from web.runs.services import history as history_of
from web.runs.wake import wake
from workers import configuration
from workers.engine.base import EngineError, GrammarError, ModelLoading, PromptTooLong, served_person
from workers.knowledge.errors import KnowledgeError
from workers.runs import answering, delegate_tools, leases
from workers.runs.perform import perform
from workers.runs.pictures import pictures
from workers.runs.services import Services
from workers.runs.turn import HeldTurn
from workers.tools import granted

logger = logging.getLogger(__name__)

# How often workers may start on one run before it fails: a run that kills its workers must not be retried forever.
MAX_ATTEMPTS: Final = 8
UNANSWERED: Final = "The model isn't responding right now. Your message is saved. Try again."
LOADING: Final = "Waiting for the model to load"
FAILED: Final = "Something went wrong while answering. Your message is saved. Try again."
ANY_ABILITY: Final = ModelAbility(calls_tools=True, writes_from_sources=True, context_tokens=1)


def advance_next(queue: Queue, services: Callable[[], Services]) -> bool:
    """Advance the run that is next in the queue; False if none waits."""
    claimed = fair_queue.take(queue)
    if claimed is None:
        return False
    started = time.monotonic()
    _advance_claimed(claimed.run_id, claimed.lease, queue, services)
    fair_queue.learn_duration(claimed, time.monotonic() - started)
    return True


def advance(run_id: UUID, queue: Queue, services: Callable[[], Services]) -> None:
    """Work on this run, out of turn, until it waits, is over, or needs another queue. Safe to call at any time."""
    if lease := log.claim(run_id):
        _advance_claimed(run_id, lease, queue, services)


def _advance_claimed(run_id: UUID, lease: str, queue: Queue, services: Callable[[], Services]) -> None:
    with leases.keep(lease) as held:
        try:
            _advance_with_model(run_id, queue, services, held)
        except (LeaseLost, RunOver):
            logger.info("run %s was taken over or ended", run_id)
        except (PromptTooLong, GrammarError, KnowledgeError, ModelLoading) as error:
            _fail(run_id, lease, str(error))
        except EngineError as error:
            logger.error("run %s: %s", run_id, error)
            _fail(run_id, lease, UNANSWERED)
        except Exception:
            logger.exception("run %s failed", run_id)
            _fail(run_id, lease, FAILED)


def _advance_with_model(run_id: UUID, queue: Queue, services: Callable[[], Services], held: leases.Held) -> None:
    """Advance with the GPT's model, or with its fallback if it fails before anything of an answer was shown."""
    related = ("message__conversation__gpt", "version__gpt__owner", "owner")
    run = Run.objects.select_related(*related).get(id=run_id)
    if queue != "model":
        _advance(run, queue, services, held, DEFAULT)
        return
    served_person.set(run.owner_id)
    if not stream.is_model_loaded():
        stream.publish(run_id, {"type": "progress", "call_id": "", "text": LOADING})
    named = configuration.named_engines()
    while True:
        wanted = run.version.spec().model.engine
        chosen = named.choose(wanted, run.gpt.owner, log.read(run_id), services())
        if chosen.change:
            seq = log.append(run_id, chosen.change, held.token)
            stream.publish(run_id, {"type": "step", "seq": seq, "kind": chosen.change.kind})
        try:
            _advance(run, queue, partial(getattr, chosen, "services"), held, chosen.name)
            return
        except EngineError as error:
            is_final = isinstance(error, PromptTooLong | GrammarError) or stream.partial_text(run_id)
            if is_final or not named.has_fallback(chosen.name):
                raise
            named.failed(chosen.name, error, services())


def _advance(run: Run, queue: Queue, services: Callable[[], Services], held: leases.Held, engine: str) -> None:
    run_id = run.id
    if run.n_attempts > MAX_ATTEMPTS:
        finish_run(run_id, Error(message=FAILED), held.token)
        return
    if not run.owner.is_active:  # suspended since they sent the message
        finish_run(run_id, Cancelled(), held.token)
        return
    steps = log.read(run_id)
    first = steps[0]
    assert isinstance(first, UserMessage)
    if run.root_id and (reason := delegations.why_end(run, first.delegated_by)):
        finish_run(run_id, Error(message=reason), held.token)
        return
    spec = first.overrides.applied_to(run.version.spec())
    # A delegated run has no conversation before its task.
    toolbox, history = granted(spec, configuration.tool_settings()), () if run.root_id else history_of(run)
    others = delegate_tools.delegate_tools(run, spec, (first,)) if spec.delegates or spec.delegates_to_store else {}
    tools = others | {name: tool.spec for name, tool in toolbox.items()} | callers_own(first.overrides)
    # Decisions that depend on the model's ability are made on the model queue.
    ability = services().engine.ability() if queue == "model" else ANY_ABILITY
    store = partial(delegate_tools.store_gpts, run, spec, (first,))
    waiting_parents = tuple(delegations.waiting_parents(run_id)) if run.root_id else ()
    first_state = TurnState(spec, ability, current_part(steps), history, tools)
    files = answering.whole_files(first_state, services()) if queue == "model" else ()
    seen = pictures(first_state) if queue == "model" else {}
    while True:
        turn = HeldTurn(
            spec,
            ability,
            current_part(steps),
            history,
            tools,
            run,
            held,
            toolbox,
            whole_files=files,
            pictures=seen,
            store=store,
            waiting_parents=waiting_parents,
            engine="" if engine == DEFAULT else engine,
        )
        decision = _affordable(decide(turn, _circumstances(run, spec, tools)), run)
        if isinstance(decision, Stop):
            return
        if isinstance(decision, Wait):
            if log.release(run_id, held.token, len(steps)):
                return
        elif queue_of(decision, tools) not in (queue, None):
            needed = queue_of(decision, tools) or queue
            log.hand_over(run_id, held.token, needed)
            wake(run_id, needed)
            return
        else:
            perform(decision, turn, services)
            if isinstance(decision, Finish | GiveUp | ShowResults):
                return
            if isinstance(decision, ReadPart):
                # A long file takes many minutes: between two parts all other messages get their turn.
                log.hand_over(run_id, held.token, queue, last=True)
                wake(run_id, queue)
                return
        steps = log.read(run_id)


def _affordable(decision: Decision, run: Run) -> Decision:
    """`decision`, or GiveUp if a delegated run would call the model though its tree has used up its budget."""
    writes = isinstance(decision, WriteCall | CallModel | ReadPart)
    if run.root_id and writes and (reason := delegations.used_up(run.root_id)):
        return GiveUp(reason)
    return decision


def callers_own(overrides: Overrides) -> dict[str, ToolSpec]:
    """The API caller's functions as tools."""
    return {tool.name: ToolSpec(**tool.model_dump(), of_caller=True) for tool in overrides.functions}


def _circumstances(run: Run, spec: GptSpec, tools: Mapping[str, ToolSpec]) -> Circumstances:
    """The user's current permissions and sign-ins, which are checked when a call is made."""
    sign_in = sign_in_needed(spec, run.owner)
    writes = {name: tool for name, tool in tools.items() if tool.effect == "write"}
    # Permanent permissions apply only where the user chats with the GPT directly.
    if run.root_id or not writes:
        return Circumstances(Standing(mode=configuration.policy()), sign_in)
    standing = permissions.standing(run.owner_id, run.version.gpt_id, writes, configuration.policy())
    return Circumstances(standing, sign_in)


def _fail(run_id: UUID, lease: str, message: str) -> None:
    try:
        finish_run(run_id, Error(message=message), lease)
    except (LeaseLost, RunOver):
        logger.info("run %s ended before its failure was recorded", run_id)
