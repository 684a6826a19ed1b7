"""Tools and grammars at a remote server: what is asked for, what comes back, and what is not believed."""

import json
from typing import Any

import pytest

from gpts.runs.messages import MessageCall, PromptMessage
from gpts.runs.replies import is_open, parse, prose
from gpts.spec.tools import ToolSpec
from workers.engine.base import GenerationRequest, Grammar, GrammarError
from workers.engine.remote import RemoteEngine

from .conftest import ModelServer

STOCK = ToolSpec(
    name="stock",
    description="How many are left.",
    parameters={"type": "object", "properties": {"part": {"type": "string", "maxLength": 8}}, "required": ["part"]},
)
QUESTION = (PromptMessage(role="user", content="How many ZP-771 are left?"),)


def call_deltas(*arguments: str) -> list[dict[str, Any]]:
    """The events of a call of `stock` whose arguments come in pieces."""
    opening = {"index": 0, "id": "x", "type": "function", "function": {"name": "stock", "arguments": ""}}
    pieces = [{"index": 0, "function": {"arguments": piece}} for piece in arguments]
    events = [{"choices": [{"delta": {"tool_calls": [piece]}}]} for piece in (opening, *pieces)]
    return [*events, {"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}]


def text_events(text: str) -> list[dict[str, Any]]:
    return [{"choices": [{"delta": {"content": text}, "finish_reason": "stop"}]}]


def reply(remote: RemoteEngine, server: ModelServer, events: list[dict[str, Any]], **options: Any) -> str:
    server.events = events
    return "".join(token.text for token in remote.stream(GenerationRequest(QUESTION, max_tokens=40, **options)))


def test_a_streamed_call_reads_like_a_local_one(remote: RemoteEngine, model_server: ModelServer) -> None:
    grammar = Grammar(tools=(STOCK,), required=True)
    text = reply(remote, model_server, call_deltas('{"par', 't": "ZP-771"}'), tools=(STOCK,), grammar=grammar)
    call = parse(text)[1][0]
    assert (call.name, call.arguments) == ("stock", {"part": "ZP-771"})
    body = model_server.bodies[0]
    assert body["tools"][0]["function"]["name"] == "stock"
    assert body["tool_choice"] == {"type": "function", "function": {"name": "stock"}}


@pytest.mark.parametrize(
    ("written", "arguments", "raw"),
    [
        ('{"part": 3}', {"part": 3}, ""),
        ('{"part": "Z', {"arguments": '{"part": "Z'}, '{"part": "Z'),
        ("[1]", {"arguments": [1]}, "[1]"),
    ],
)
def test_a_call_that_breaks_its_schema_is_asked_for_twice_and_then_given_as_it_is(
    remote: RemoteEngine, model_server: ModelServer, written: str, arguments: dict[str, Any], raw: str
) -> None:
    grammar = Grammar(tools=(STOCK,), required=True)
    [call] = parse(reply(remote, model_server, call_deltas(written), grammar=grammar))[1]
    assert (call.arguments, call.raw) == (arguments, raw)
    assert len(model_server.bodies) == 2


def test_a_server_that_refuses_a_keyword_gets_less_of_the_schema(
    remote: RemoteEngine, model_server: ModelServer
) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "not": {"const": 3}}}, "required": ["n"]}
    model_server.refuses = "not"
    grammar = Grammar(json_schema=schema)
    assert json.loads(reply(remote, model_server, text_events('{"n": 4}'), grammar=grammar)) == {"n": 4}
    sent = [body["response_format"]["json_schema"]["schema"] for body in model_server.bodies]
    assert sent == [schema, {**schema, "properties": {"n": {"type": "integer"}}}]
    with pytest.raises(GrammarError):
        reply(remote, model_server, text_events('{"n": 3}'), grammar=grammar)


def test_an_answer_under_a_schema_streams_once_the_server_is_known_to_follow_schemas(
    remote: RemoteEngine, model_server: ModelServer
) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}

    def pieces(*texts: str) -> list[str]:
        ends = [*[None] * (len(texts) - 1), "stop"]
        deltas = zip(texts, ends, strict=True)
        model_server.events = [{"choices": [{"delta": {"content": t}, "finish_reason": f}]} for t, f in deltas]
        request = GenerationRequest(QUESTION, max_tokens=40, grammar=Grammar(json_schema=schema))
        return [token.text for token in remote.stream(request) if token.text]

    assert pieces('{"n"', ": 3}") == ['{"n": 3}']
    assert pieces('{"n"', ": 3}") == ['{"n"', ": 3}"]
    with pytest.raises(GrammarError):
        pieces('{"n"', ": 3")
    assert pieces('{"n"', ": 3}") == ['{"n": 3}']


def test_a_call_cut_by_the_token_limit_is_no_call(remote: RemoteEngine, model_server: ModelServer) -> None:
    events = call_deltas('{"part": "ZP"}')
    events[-1]["choices"][0]["finish_reason"] = "length"
    for grammar in (None, Grammar(tools=(STOCK,)), Grammar(tools=(STOCK,), required=True)):
        cut = reply(remote, model_server, events, tools=(STOCK,), grammar=grammar)
        assert (prose(cut, ended=True), parse(cut)[1], is_open(cut)) == ("", (), True)
    assert len(model_server.bodies) == 3


@pytest.mark.parametrize(
    ("refusal", "roles", "ids"),
    [
        ("", ["system", "user", "user", "assistant", "tool", "system", "user"], "server-1"),
        (
            "After the optional system message, conversation roles must alternate user/assistant",
            ["system", "user", "assistant", "tool", "assistant", "user"],
            "server-1",
        ),
        (
            "System role not supported",
            ["user", "assistant", "tool", "assistant", "user"],
            "server-1",
        ),
        (
            "Tool call id was server-1 but must be a-z, A-Z, 0-9, with a length of 9.",
            ["system", "user", "user", "assistant", "tool", "system", "user"],
            "000000001",
        ),
    ],
)
def test_a_strict_template_gets_the_messages_it_takes_and_others_get_them_as_they_are(
    remote: RemoteEngine, model_server: ModelServer, refusal: str, roles: list[str], ids: str
) -> None:
    call = MessageCall(call_id="server-1", name="stock", arguments={"part": "ZP-771"})
    messages = (
        PromptMessage(role="system", content="Be brief."),
        PromptMessage(role="user", content="Hello?"),
        *QUESTION,
        PromptMessage(role="assistant", content="", tool_calls=(call,)),
        PromptMessage(role="tool", content="12", name="stock", call_id="server-1"),
        PromptMessage(role="system", content="Be kind."),
        PromptMessage(role="user", content="And now?"),
    )
    model_server.events = text_events("Twelve.")
    if refusal:
        model_server.objects = lambda body: refusal if len(model_server.bodies) == 1 else ""
    for _ in range(2):
        list(remote.stream(GenerationRequest(messages, max_tokens=9, tools=(STOCK,))))
        sent = model_server.bodies[-1]["messages"]
        assert [message["role"] for message in sent] == roles
        called = next(message for message in sent if message.get("tool_calls"))
        answered = next(message for message in sent if message["role"] == "tool")
        assert (called["tool_calls"][0]["id"], answered["tool_call_id"]) == (ids, ids)
        if roles[-2] != "system":
            assert sent[-1]["content"] == "Be kind.\n\nAnd now?"
    assert len(model_server.bodies) == (3 if refusal else 2), "it has learnt that"


def test_the_servers_own_id_comes_with_its_call(remote: RemoteEngine, model_server: ModelServer) -> None:
    text = reply(remote, model_server, call_deltas('{"part": "ZP-771"}'), tools=(STOCK,))
    assert [call.call_id for call in parse(text)[1]] == ["x"]


def test_an_answer_under_a_schema_is_asked_for_and_checked(remote: RemoteEngine, model_server: ModelServer) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    grammar = Grammar(json_schema=schema)
    assert json.loads(reply(remote, model_server, text_events('{"n": 3}'), grammar=grammar)) == {"n": 3}
    assert model_server.bodies[0]["response_format"]["json_schema"]["schema"] == schema
    with pytest.raises(GrammarError):
        reply(remote, model_server, text_events('{"n": "three"}'), grammar=grammar)


def test_calls_and_their_results_are_sent_in_the_apis_own_words(
    remote: RemoteEngine, model_server: ModelServer
) -> None:
    call = MessageCall(call_id="call_0", name="stock", arguments={"part": "ZP-771"})
    messages = (
        *QUESTION,
        PromptMessage(role="assistant", content="", tool_calls=(call,)),
        PromptMessage(role="tool", content="12", name="stock", call_id="call_0"),
    )
    model_server.events = text_events("Twelve.")
    list(remote.stream(GenerationRequest(messages, max_tokens=9, tools=(STOCK,))))
    _, asked, answered = model_server.bodies[0]["messages"]
    assert asked["tool_calls"][0]["function"] == {"name": "stock", "arguments": '{"part": "ZP-771"}'}
    assert answered == {"role": "tool", "content": "12", "tool_call_id": "call_0"}


PRINTED = '{"name": "stock", "arguments": {"part": "ZP-771"}}'


def test_a_call_that_is_printed_as_text_is_a_call_and_never_shown(
    remote: RemoteEngine, model_server: ModelServer
) -> None:
    text = reply(
        remote, model_server, text_events(f"```json\n{PRINTED}\n```"), tools=(STOCK,), grammar=Grammar(tools=(STOCK,))
    )
    assert parse(text) == ("", parse(text)[1])
    assert parse(text)[1][0].arguments == {"part": "ZP-771"}
    assert len(model_server.bodies) == 1


def test_a_printed_call_of_no_use_is_asked_for_once_more_as_a_call_only(
    remote: RemoteEngine, model_server: ModelServer
) -> None:
    written = '{"name": "storage", "arguments": {}}'
    text = reply(remote, model_server, text_events(written), tools=(STOCK,), grammar=Grammar(tools=(STOCK,)))
    assert [call.name for call in parse(text)[1]] == ["storage"]
    assert [body["tool_choice"] for body in model_server.bodies] == [
        "auto",
        {"type": "function", "function": {"name": "stock"}},
    ]


def test_json_that_is_an_answer_stays_one(remote: RemoteEngine, model_server: ModelServer) -> None:
    answer = '{"name": "Bob", "age": 7}'
    assert reply(remote, model_server, text_events(answer), tools=(STOCK,), grammar=Grammar(tools=(STOCK,))) == answer


def test_control_tokens_that_a_server_spells_out_end_the_reply(
    remote: RemoteEngine, model_server: ModelServer
) -> None:
    events = text_events("It leaks.<|im_start|>user\nAnd then?")
    assert reply(remote, model_server, events, tools=(STOCK,), grammar=Grammar(tools=(STOCK,))) == "It leaks."
