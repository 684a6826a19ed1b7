"""Advances one run: claim, read, decide, perform, append, until it must wait or is over."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final
from uuid import UUID

from gpts.runs.background import REMEMBER, UPDATE_DRAFT
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
from gpts.runs.delegation import ASK_STORE
from gpts.runs.file_calls import file_tools
from gpts.runs.overrides import Overrides
from gpts.runs.plan import Circumstances, decide, queue_of
from gpts.runs.state import TurnState
from gpts.runs.status import current_part
from gpts.runs.steps import Cancelled, Error, ErrorCode, Log, ToolResult, UserMessage
from gpts.safety.policy import Standing
from gpts.spec.ability import ModelAbility
from gpts.spec.builtin_tools import BUILTIN_TOOLS
from gpts.spec.file_tools import READ_MORE
from gpts.spec.tools import ToolSpec
from web.builder.access import may_have_files
from web.builder.sign_ins import sign_in_needed
from web.engines import DEFAULT
from web.runs import delegations, fair_queue, log, permissions, stream
from web.runs.access import may_see_draft
from web.runs.errors import LeaseLost, RunOver
from web.runs.models import Run
from web.runs.services import finish_run
from web.runs.services import history as history_of
from web.runs.wake import wake
from workers import configuration
from workers.engine.base import EngineError, GrammarError, ModelLoading, PromptTooLong, SchemaRefused, served_person
from workers.isolation.errors import FileError
from workers.runs import delegate_tools, leases, searching
from workers.runs.perform import perform
from workers.runs.pictures import pictures
from workers.runs.services import Services
from workers.runs.turn import HeldTurn
from workers.tools import granted
from workers.tools.builtin import tool_of

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
    advance_claimed(claimed.run_id, claimed.lease, queue, services)
    fair_queue.learn_duration(claimed, time.monotonic() - started)
    return True


def advance_claimed(run_id: UUID, lease: str, queue: Queue, services: Callable[[], Services]) -> None:
    """Work on the run that holds this lease until it waits, is over, or needs another queue."""
    with leases.keep(lease) as held:
        try:
            _advance_with_model(run_id, queue, services, held)
        except (LeaseLost, RunOver):
            logger.info("run %s was taken over or ended", run_id)
        except PromptTooLong as error:
            _fail(run_id, lease, str(error), "context_length_exceeded")
        except SchemaRefused as error:
            _fail(run_id, lease, str(error), "invalid_schema")
        except GrammarError as error:
            _fail(run_id, lease, str(error), "invalid_reply")
        except (FileError, ModelLoading) as error:
            _fail(run_id, lease, str(error))
        except EngineError as error:
            logger.error("run %s: %s", run_id, error)
            _fail(run_id, lease, UNANSWERED)
        except Exception:
            logger.exception("run %s failed", run_id)
            _fail(run_id, lease, FAILED)


def _advance_with_model(run_id: UUID, queue: Queue, services: Callable[[], Services], held: leases.Held) -> None:
    """Advance with the GPT's model, or with its fallback if it fails before anything of an answer was shown."""
    run = Run.objects.select_related("message__conversation__gpt", "version__gpt__owner", "owner").get(id=run_id)
    steps = log.read(run_id)
    if queue != "model":
        _advance(run, steps, queue, services, held, DEFAULT)
        return
    served_person.set(run.owner_id)
    if not stream.is_model_loaded():
        stream.publish(run_id, {"type": "progress", "call_id": "", "text": LOADING})
    named = configuration.named_engines()
    while True:
        wanted = run.version.spec().model.engine
        chosen = named.choose(wanted, run.gpt.owner, steps, services())
        if chosen.change:
            seq = log.append(run_id, chosen.change, held.token)
            stream.publish(run_id, {"type": "step", "seq": seq, "kind": chosen.change.kind})
            steps = log.read(run_id)
        try:
            _advance(run, steps, queue, partial(getattr, chosen, "services"), held, chosen.name)
            return
        except EngineError as error:
            is_final = isinstance(error, PromptTooLong | GrammarError) or stream.partial_text(run_id)
            if is_final or not named.has_fallback(chosen.name):
                raise
            named.failed(chosen.name, error, services())
            steps = log.read(run_id)


def _advance(
    run: Run, steps: Log, queue: Queue, services: Callable[[], Services], held: leases.Held, engine: str
) -> None:
    first = steps[0]
    assert isinstance(first, UserMessage)
    if end := _end_of(run, first):
        finish_run(run.id, end, held.token)
        return
    turn = _turn(run, steps, first, services if queue == "model" else None, held, engine)
    while True:
        if not may_see_draft(run.message.conversation):
            finish_run(run.id, Cancelled(), held.token)
            return
        decision = _affordable(decide(turn, _circumstances(turn)), run)
        if isinstance(decision, Stop):
            return
        if isinstance(decision, Wait):
            if log.release(run.id, held.token, len(steps)):
                return
        elif (needed := queue_of(decision, turn.tools)) and needed != queue:
            _hand_over(run, held, needed)
            return
        else:
            perform(decision, turn, services)
            if isinstance(decision, Finish | GiveUp | ShowResults):
                return
            if isinstance(decision, ReadPart):
                # A long file takes many minutes: between two parts all other messages get their turn.
                _hand_over(run, held, queue, last=True)
                return
        steps = log.read(run.id)
        turn = replace(turn, steps=current_part(steps))


def _end_of(run: Run, first: UserMessage) -> Error | Cancelled | None:
    """The step that ends the run before any work; None if it goes on."""
    if run.n_attempts > MAX_ATTEMPTS:
        return Error(message=FAILED)
    if not (run.owner.is_active and may_see_draft(run.message.conversation)):  # no longer, since they sent it
        return Cancelled()
    if run.root_id and (reason := delegations.why_end(run, first.delegated_by)):
        return Error(message=reason)
    return None


def _turn(
    run: Run, steps: Log, first: UserMessage, services: Callable[[], Services] | None, held: leases.Held, engine: str
) -> HeldTurn:
    """The turn of the run with these steps; without `services` it calls no model."""
    spec = first.overrides.applied_to(run.version.spec())
    if first.is_side_task:
        spec = spec.without_its_own()
    # A delegated run has no conversation before its task.
    toolbox, history = granted(spec, configuration.tool_settings()), () if run.root_id else history_of(run)
    toolbox = toolbox | {READ_MORE: tool_of(BUILTIN_TOOLS[READ_MORE], configuration.tool_settings())}
    others = delegate_tools.delegate_tools(run, spec, (first,)) if spec.delegates or spec.delegates_to_store else {}
    own = others | {name: tool.spec for name, tool in toolbox.items()}
    # Decisions that depend on the model's ability are made on the model queue.
    ability = services().engine.ability() if services else ANY_ABILITY
    tools = {name: tool for name, tool in own.items() if _permits(first, tool, ability)}
    tools |= callers_own(first.overrides)
    state = TurnState(spec, ability, current_part(steps), history, tools)
    if services:
        opens_own = bool(spec.knowledge) and may_have_files(run.owner, run.version.gpt)
        state = replace(state, whole_files=searching.whole_files(state, services(), opens_own=opens_own))
        if not _has_more(state):
            state = replace(state, tools={name: tool for name, tool in tools.items() if tool.builtin != READ_MORE})
    return HeldTurn(
        spec,
        ability,
        state.steps,
        history,
        file_tools(state) | dict(state.tools),
        run,
        held,
        toolbox,
        whole_files=state.whole_files,
        pictures=pictures(state) if services else {},
        store=partial(delegate_tools.store_gpts, run, spec, (first,)),
        waiting_parents=tuple(delegations.waiting_parents(run.id)) if run.root_id else (),
        engine="" if engine == DEFAULT else engine,
    )


def _has_more(state: TurnState) -> bool:
    """Whether something was cut of which the model may read more."""
    steps = (step for log in (*state.history, state.steps) for step in log)
    is_cut = any(isinstance(step, ToolResult) and step.is_cut for step in steps)
    return is_cut or any(file.is_part for file in state.whole_files)


def _permits(first: UserMessage, tool: ToolSpec, ability: ModelAbility) -> bool:
    """Whether the run may use this tool of the GPT: programs may leave some out, and most chats keep no memory.

    What a person must be asked for, only a model can tell that chooses tools itself. Nor does a weak model fill in a
    draft (web.builder.wizard does).
    """
    remembers = tool.builtin == REMEMBER
    is_fit = ability.calls_tools or not (tool.asks_person or tool.builtin in (READ_MORE, UPDATE_DRAFT))
    if tool.builtin == UPDATE_DRAFT and not first.background.draft:
        return False
    return first.overrides.permits(tool.name) and is_fit and (first.background.may_remember or not remembers)


def _hand_over(run: Run, held: leases.Held, queue: Queue, last: bool = False) -> None:
    log.hand_over(run.id, held.token, queue, last=last)
    wake(run.id, queue)


def _affordable(decision: Decision, run: Run) -> Decision:
    """`decision`, or GiveUp if a delegated run would call the model though its tree has used up its budget."""
    writes = isinstance(decision, WriteCall | CallModel | ReadPart)
    if run.root_id and writes and (reason := delegations.used_up(run.root_id)):
        return GiveUp(reason)
    return decision


def callers_own(overrides: Overrides) -> dict[str, ToolSpec]:
    """The API caller's functions as tools."""
    return {tool.name: ToolSpec(**tool.model_dump(), of_caller=True) for tool in overrides.functions}


def _circumstances(turn: HeldTurn) -> Circumstances:
    """The user's current permissions and sign-ins, which are checked when a call is made."""
    run = turn.run
    sign_in = sign_in_needed(turn.spec, run.owner)
    writes = {name: tool for name, tool in turn.tools.items() if tool.effect == "write"}
    # Permanent permissions apply only where the user chats with the GPT directly.
    standing = Standing(mode=configuration.policy())
    if writes and not run.root_id:
        standing = permissions.standing(run.owner_id, run.version.gpt_id, writes, configuration.policy())
    if ASK_STORE in turn.tools:
        standing = replace(standing, familiar=delegate_tools.familiar_gpts(turn))
    if turn.user_message().background.draft:  # who builds a GPT by conversation wants its form filled in
        standing = replace(standing, always=standing.always | {UPDATE_DRAFT})
    return Circumstances(standing, sign_in)


def _fail(run_id: UUID, lease: str, message: str, code: ErrorCode = "") -> None:
    try:
        finish_run(run_id, Error(message=message, code=code), lease)
    except (LeaseLost, RunOver):
        logger.info("run %s ended before its failure was recorded", run_id)
