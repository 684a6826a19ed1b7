"""Delegation to other GPTs: the tools for it, the candidates in the store, and starting child runs."""

from collections.abc import Sequence
from typing import Any, Final

from gpts.runs import decisions
from gpts.runs.delegation import (
    ASK_STORE,
    NO_TASK,
    NOT_REACHABLE,
    NOTHING_FITS,
    STORE_AUTHORS,
    TASK_CHARS,
    StoreGpt,
    delegation_chain,
    named_delegates,
)
from gpts.runs.replies import CallIds
from gpts.runs.steps import DelegatedPart, Delegator, FileRef, Log, ModelReply, ToolCall, ToolResult, UserMessage
from gpts.safety.flow import arguments_label, context_label
from gpts.safety.labels import untrusted
from gpts.safety.policy import context_of
from gpts.safety.wording import unquoted
from gpts.spec.gpt import DelegateRef, GptSpec
from gpts.spec.tools import ToolSpec
from web.builder import delegates
from web.builder.models import Gpt, version_text
from web.runs import delegations
from web.runs.models import Run
from workers.knowledge.embed import Embedder
from workers.runs.services import Services
from workers.runs.turn import HeldTurn

TASK: Final[dict[str, Any]] = {
    "type": "string",
    "description": "The task with all the context it needs: the other GPT sees nothing else of this chat.",
    "minLength": 1,
}
FILES: Final[dict[str, Any]] = {
    "type": "array",
    "items": {"type": "string"},
    "maxItems": 10,
    "description": "Names of files of this chat to pass on.",
}
STORE_GPT: Final[dict[str, Any]] = {"type": "string", "description": "Short name of the GPT, if known."}
# How many GPTs of the store are considered, most recently changed first, and how many a model chooses from.
STORE_GPTS: Final = 500
STORE_LISTED: Final = 6
CALL_AGAIN: Final = "These GPTs are closest to the task. If one fits, call again with its short name as `gpt`:"


def delegate_tools(run: Run, spec: GptSpec, log: Log) -> dict[str, ToolSpec]:
    """The delegation tools by name: the GPTs of the spec that can be called now, and the store."""
    named = named_delegates(spec.delegates)
    gpts = {str(gpt.id): gpt for gpt in _reachable(run, spec, log).filter(id__in=[c.gpt_id for c in named.values()])}
    tools = {
        name: _tool(name, gpts[delegate.gpt_id], delegate, run)
        for name, delegate in named.items()
        if delegate.gpt_id in gpts
    }
    return tools | ({ASK_STORE: _STORE} if spec.delegates_to_store else {})


def _reachable(run: Run, spec: GptSpec, log: Log) -> Any:
    own = Delegator(slug=spec.slug, name=spec.name)
    return delegations.reachable(run.owner, delegation_chain(log, own)).select_related("published")


def _tool(name: str, gpt: Gpt, ref: DelegateRef, run: Run) -> ToolSpec:
    """The delegate as a tool: described by its live version if one person made both GPTs, else as was last seen."""
    assert gpt.published is not None  # `reachable` returns published GPTs only
    creator = run.version.gpt.owner_id
    texts = gpt.published.spec() if gpt.owner_id == creator else delegates.last_seen(run.version.gpt, ref)
    title = texts.name or ref.slug
    of_stranger = gpt.owner_id not in (creator, run.owner_id)
    return ToolSpec(
        name=name,
        title=title,
        description=texts.description or title,
        parameters=_parameters({"task": TASK, "files": FILES}),
        examples=texts.starters,
        reach="gpt",
        written_by=f"the description of the GPT {title}" if of_stranger else "",
        is_delegation=True,
        of_stranger=of_stranger,
        asks=f"GPT “{title}”",
        when=ref.when,
    )


def _parameters(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": ["task"], "additionalProperties": False}


_STORE: Final = ToolSpec(
    name=ASK_STORE,
    title="Ask the store",
    description="Finds a GPT in the store that knows about something, and asks it. For what no other tool is for.",
    parameters=_parameters({"task": TASK, "gpt": STORE_GPT, "files": FILES}),
    reach="gpt",
    is_delegation=True,
    of_stranger=True,
)


def store_gpts(run: Run, spec: GptSpec, log: Log) -> list[StoreGpt]:
    """The GPTs of the store that the run may call, most recently changed first."""
    found = _reachable(run, spec, log).in_store().exclude(slug=spec.slug).order_by("-changed")
    texts = (version_text(f"published__data__{name}") for name in ("name", "description"))
    rows = found.values_list("slug", *texts, "published__data__starters")[:STORE_GPTS]
    return [StoreGpt(slug, name, about, tuple(starters or ())) for slug, name, about, starters in rows]


def familiar_gpts(turn: HeldTurn) -> frozenset[str]:
    """The GPTs that calls of this turn name to the store, of the person or of the creator of the GPT that asks."""
    calls = (call for step in turn.steps if isinstance(step, ModelReply) for call in step.tool_calls)
    named = {str(call.arguments["gpt"]) for call in calls if call.name == ASK_STORE and call.arguments.get("gpt")}
    owners = (turn.run.owner_id, turn.run.version.gpt.owner_id)
    found = Gpt.objects.filter(slug__in=named, owner_id__in=owners) if named else Gpt.objects.none()
    return frozenset(found.values_list("slug", flat=True))


def delegating_reply(turn: HeldTurn, parts: Sequence[DelegatedPart]) -> ModelReply:
    """A reply with one delegation per part of the question, each with the files of this message."""
    names = [file.name for file in turn.user_message().attachments]
    files = {"files": names} if names else {}
    ids = CallIds(turn.call_ids())
    calls = tuple(
        ToolCall(
            call_id=ids.new(),
            name=part.name,
            arguments={"task": part.task} | ({"gpt": part.gpt} if part.gpt else {}) | files,
        )
        for part in parts
    )
    return ModelReply(text="", tool_calls=calls, label=context_label(turn.history, turn.steps, turn.tools))


def delegate(decision: decisions.Delegate, turn: HeldTurn, services: Services) -> None:
    """Start the child runs, or append why one was refused. Raises LeaseLost, RunOver."""
    for call in decision.calls:
        turn.held.check()
        found = _request(call, turn, services)
        if isinstance(found, ToolResult):
            turn.append(found, name=call.name, ok=False)
        else:
            delegations.delegate(turn.run, found, turn.held.token)


def _request(call: ToolCall, turn: HeldTurn, services: Services) -> delegations.DelegationRequest | ToolResult:
    """The delegation that the call requests, or the result that refuses it."""
    task = str(call.arguments.get("task") or "").replace("\x00", "").strip()[:TASK_CHARS]
    if not task:
        return delegations.refused(call.call_id, call.name, NO_TASK)
    gpt = _from_store(call, task, turn, services.embedder) if call.name == ASK_STORE else _delegate(call, turn)
    if isinstance(gpt, ToolResult):
        return gpt
    if gpt is None:
        unreachable = NOT_REACHABLE.format(name=turn.tools[call.name].title)
        return delegations.refused(call.call_id, call.name, NOTHING_FITS if call.name == ASK_STORE else unreachable)
    return delegations.DelegationRequest(
        call_id=call.call_id,
        tool=call.name,
        gpt=gpt,
        task=task,
        delegated_by=delegation_chain(turn.steps, Delegator(slug=turn.spec.slug, name=turn.spec.name)),
        label=arguments_label(call.call_id, turn.steps),
        own_words=_is_said(task, context_of(turn.history, turn.steps, turn.tools).said),
        files=_passed_files(call, turn),
    )


def _is_said(task: str, said: Sequence[str]) -> bool:
    """Whether the task is literally a part of what the person said, and begins and ends between two words of it."""
    return any(task in text and not unquoted({"task": task}, {"properties": {"task": TASK}}, [text]) for text in said)


def _delegate(call: ToolCall, turn: HeldTurn) -> Gpt | None:
    """The GPT that the call names; whether it may be called is checked when the child run starts."""
    delegate = named_delegates(turn.spec.delegates).get(call.name)
    published = Gpt.objects.filter(published__isnull=False, deleted=None).select_related("published")
    return published.filter(id=delegate.gpt_id).first() if delegate else None


def _from_store(call: ToolCall, task: str, turn: HeldTurn, embedder: Embedder) -> Gpt | ToolResult | None:
    """The store's GPT that the call names, else a list to choose from; None if the store has none for the run."""
    slug = str(call.arguments.get("gpt") or "")
    reachable = _reachable(turn.run, turn.spec, turn.steps).in_store().exclude(slug=turn.spec.slug)
    found: Gpt | None = reachable.filter(slug=slug).first() if slug else None
    return found or _listing(call, task, turn, embedder)


def _listing(call: ToolCall, task: str, turn: HeldTurn, embedder: Embedder) -> ToolResult | None:
    """The store's GPTs closest to the task, for a model that then calls again with the name of one."""
    store = list(turn.store())
    if not store:
        return None
    lines = [f"{gpt.name}: {gpt.description}" for gpt in store]
    near = embedder.similarity([task], lines)[0]
    best = sorted(range(len(store)), key=lambda n: -near[n])[:STORE_LISTED]
    text = "\n".join([CALL_AGAIN, *(f"- {store[n].slug}: {lines[n]}" for n in best)])
    return delegations.refused(call.call_id, call.name, text, untrusted(STORE_AUTHORS))


def _passed_files(call: ToolCall, turn: HeldTurn) -> tuple[FileRef, ...]:
    """The files of the chat that the call names."""
    wanted = call.arguments.get("files")
    if not isinstance(wanted, list):
        return ()
    known: dict[str, FileRef] = {}
    for log in (*turn.history, turn.steps):
        for step in log:
            files = step.files if isinstance(step, UserMessage) else ()
            files = step.files if isinstance(step, ToolResult) else files
            known |= {file.name: file for file in files}
    return tuple(known[name] for name in dict.fromkeys(map(str, wanted)) if name in known)
