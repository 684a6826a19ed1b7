"""What a remote server's model reasons: taken from its own field or from tags, and given back as it came."""

from typing import Any

import pytest

from gpts.runs.messages import MessageCall, PromptMessage
from gpts.runs.replies import parse
from gpts.spec.tools import ToolSpec
from workers.engine.base import GenerationRequest, Grammar, Token, Usage
from workers.engine.remote import RemoteEngine

from .conftest import ModelServer

QUESTION = (PromptMessage(role="user", content="How many are left?"),)
STOCK = ToolSpec(name="stock", description="", parameters={"type": "object", "properties": {}})
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def events(*deltas: dict[str, Any], finish: str = "stop", **usage: Any) -> list[dict[str, Any]]:
    pieces: list[dict[str, Any]] = [{"choices": [{"delta": delta}]} for delta in deltas]
    counted = {"prompt_tokens": 5, "completion_tokens": 20, **usage}
    return [*pieces, {"choices": [{"delta": {}, "finish_reason": finish}]}, {"choices": [], "usage": counted}]


def reply(remote: RemoteEngine, **options: Any) -> list[Token]:
    return list(remote.stream(GenerationRequest(QUESTION, max_tokens=40, **options)))


def joined(tokens: list[Token]) -> tuple[str, str]:
    return "".join(token.reasoning for token in tokens), "".join(token.text for token in tokens)


FORMS: dict[str, list[dict[str, Any]]] = {
    "reasoning_content": [{"reasoning_content": "Let me "}, {"reasoning_content": "see."}, {"content": "Twelve."}],
    "reasoning": [{"reasoning": "Let me ", "content": ""}, {"reasoning": "see."}, {"content": "Twelve."}],
    "both": [{"reasoning": "Let me see.", "reasoning_content": "Let me see."}, {"content": "Twelve."}],
    "tags": [{"content": "<think>Let me "}, {"content": "see.</think>\n\n"}, {"content": "Twelve."}],
}


@pytest.mark.parametrize("form", FORMS)
def test_reasoning_in_every_form_stays_apart_from_the_answer(
    remote: RemoteEngine, model_server: ModelServer, form: str
) -> None:
    assert not remote.ability().reasons
    model_server.events = events(*FORMS[form])
    tokens = reply(remote)
    assert joined(tokens) == ("Let me see.", "Twelve.")
    assert tokens[-1].usage == Usage(5, 20, 0, 12)
    assert remote.ability().reasons


def test_the_servers_own_count_of_reasoning_tokens_is_taken(remote: RemoteEngine, model_server: ModelServer) -> None:
    model_server.events = events({"reasoning": "Hm."}, completion_tokens_details={"reasoning_tokens": 17})
    usage = reply(remote)[-1].usage
    assert usage is not None
    assert usage.reasoning_tokens == 17


def test_reasoning_before_a_value_or_a_call_is_no_part_of_either(
    remote: RemoteEngine, model_server: ModelServer
) -> None:
    model_server.events = events({"reasoning": '{"n": 4}? No.'}, {"content": '{"n": 3}'})
    assert joined(reply(remote, grammar=Grammar(json_schema=SCHEMA))) == ('{"n": 4}? No.', '{"n": 3}')
    call = {"index": 0, "function": {"name": "stock", "arguments": "{}"}}
    model_server.events = events({"reasoning": "<tool_call>{}</tool_call>"}, {"tool_calls": [call]})
    reasoning, text = joined(reply(remote, tools=(STOCK,), grammar=Grammar(tools=(STOCK,))))
    assert reasoning == "<tool_call>{}</tool_call>"
    assert [(each.name, each.arguments) for each in parse(text)[1]] == [("stock", {})]


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_reasoning_goes_back_with_its_call_in_the_servers_own_field(
    remote: RemoteEngine, model_server: ModelServer, field: str
) -> None:
    model_server.events = events({field: "Look it up."}, {"content": "."})
    reply(remote)
    called = PromptMessage(
        role="assistant",
        content="",
        reasoning="Look it up.",
        tool_calls=(MessageCall(call_id="c", name="stock"),),
    )
    result = PromptMessage(role="tool", content="12", name="stock", call_id="c")
    list(remote.stream(GenerationRequest((*QUESTION, called, result), max_tokens=9)))
    assert model_server.bodies[-1]["messages"][1][field] == "Look it up."


def test_a_stop_string_ends_the_answer_but_not_the_reasoning(remote: RemoteEngine, model_server: ModelServer) -> None:
    model_server.events = events({"reasoning": "First: END of stock."}, {"content": "Twelve. END Or not."})
    reply(remote)
    assert joined(reply(remote, stop=("END",))) == ("First: END of stock.", "Twelve. ")
    assert "stop" not in model_server.bodies[-1]
