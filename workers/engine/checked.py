"""Validation of constrained replies: what does not follow its schema is generated once more with other sampling.

The grammar alone cannot guarantee it (it leaves out some keywords, a server may ignore it, a deadline may cut the
reply). A value is held back until it is validated, unless its engine is known to follow all of the schema. A call
that is wrong twice is yielded as the model wrote it: it is not made, and the model is told what is wrong with it.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from gpts.runs.bare_calls import bare_calls, safe_length
from gpts.runs.replies import OPENING, is_open, parse, prose, written
from gpts.runs.steps import ToolCall
from gpts.spec.tools import ToolSpec
from workers.engine.base import GenerationRequest, Grammar, GrammarError, Sampling, Token
from workers.engine.schemas import follows, json_value, problem

logger = logging.getLogger(__name__)

Attempt = Callable[[GenerationRequest], Iterator[Token]]
# For the second attempt, where the first was greedy and would be repeated.
_SECOND: Final = Sampling(temperature=0.8, top_p=0.95)


def checked(request: GenerationRequest, attempt: Attempt, *, streams: bool = False) -> Iterator[Token]:
    """The reply of `attempt` to `request`, validated by its grammar. Raises GrammarError after two attempts.

    `streams`: the engine follows schemas, so that a value is yielded while it is written, and attempted once.
    """
    grammar = request.grammar
    if grammar is None:
        return attempt(request)
    if grammar.json_schema is not None:
        streams = streams and follows(grammar.json_schema)
        return _checked_json(replace(request, stop=()), attempt, grammar.json_schema, streams)
    return _checked_calls(request, attempt, grammar)


def _again(request: GenerationRequest) -> GenerationRequest:
    second = replace(_SECOND, top_logprobs=request.sampling.top_logprobs)
    return replace(request, sampling=request.sampling if request.sampling.temperature > 0 else second)


def _checked_json(
    request: GenerationRequest, attempt: Attempt, schema: Mapping[str, Any], streams: bool
) -> Iterator[Token]:
    """The value as it is written if it `streams`, or empty tokens and then all of it; nothing if a limit cut it."""
    for attempted in (request, _again(request)):
        text = ""
        for token in attempt(attempted):
            text += token.text
            if token.finish is None:
                yield token if streams else replace(token, text="")
        if token.finish == "deadline" or (streams and token.finish == "length"):
            yield token if streams else replace(token, text="")
            return
        reason = json_problem(text, schema)
        if not reason:
            yield replace(token, text=token.text if streams else text, finish="stop")
            return
        if streams:
            break
    raise GrammarError(f"The model wrote no value that follows the schema: {reason}")


def json_problem(text: str, schema: Mapping[str, Any]) -> str:
    """Why `text` is not a JSON value that follows `schema`; empty if it is."""
    try:
        value = json_value(text)
    except ValueError as error:
        return f"it is not JSON ({error})"
    return problem(value, schema)


def _checked_calls(request: GenerationRequest, attempt: Attempt, grammar: Grammar) -> Iterator[Token]:
    """The prose as it is written, then the calls in the last token once all of them follow their schemas.

    A call written as text counts as well. After an invalid one the model must write a call and nothing else.
    """
    n_shown, raw = 0, ""
    tools = {tool.name: tool for tool in grammar.tools}
    for token in attempt(request):
        raw += token.text
        if token.finish is None:
            prose_so_far = prose(raw, ended=False)
            piece = prose_so_far[n_shown : safe_length(prose_so_far, n_shown)]
            n_shown += len(piece)
            yield replace(token, text=piece)
    raw = _with_bare_calls(raw, tools) if token.finish == "stop" else raw
    if token.finish == "length" and is_open(raw):  # who asked for the reply decides whether there is more room
        yield replace(token, text=raw[n_shown:])
        return
    if not (reason := calls_problem(raw, tools, required=grammar.required and token.finish != "deadline")):
        yield replace(token, text=raw[n_shown:])
        return
    logger.info("a call is generated again: %s", reason)
    first, raw = raw, ""
    for token in attempt(replace(_again(request), stop=(), grammar=replace(grammar, required=True))):
        raw += token.text
        if token.finish is None:
            yield replace(token, text="")
    raw = _with_bare_calls(raw, tools)
    if not parse(raw)[1]:
        raw = first
    if not parse(raw)[1]:
        raise GrammarError(f"The model wrote no valid call: {reason}")
    yield replace(token, text=raw[len(prose(raw, ended=True)) :], finish="stop")


def _with_bare_calls(raw: str, tools: Mapping[str, ToolSpec]) -> str:
    """`raw`, with a call that was written as text converted to the platform's form."""
    if parse(raw)[1]:
        return raw
    text, calls = bare_calls(raw, tools)
    return text + written(calls) if calls else raw


def calls_problem(raw: str, tools: Mapping[str, ToolSpec], *, required: bool) -> str:
    """What is wrong with the calls in `raw`; empty if nothing is."""
    calls = parse(raw)[1]
    if required and not calls:
        return "it ended without a whole call" if OPENING in raw else "it made no call"
    return next((reason for call in calls if (reason := call_problem(call, tools))), "")


def call_problem(call: ToolCall, tools: Mapping[str, ToolSpec]) -> str:
    """Why the call cannot be made; empty if it can."""
    if call.name not in tools:
        return f"there is no tool {call.name[:80]!r}"
    if call.raw:
        return f"{call.name}: the arguments are not a JSON object"
    reason = problem(call.arguments, tools[call.name].parameters)
    return f"{call.name}: {reason}" if reason else ""
