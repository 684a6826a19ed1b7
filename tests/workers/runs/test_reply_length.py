"""How long answers may be, and what becomes of those that their limit cuts."""

import json
from dataclasses import replace

import pytest

from gpts.runs.overrides import Overrides
from gpts.runs.state import room
from gpts.runs.steps import Error, ModelReply, Retrieval
from gpts.spec.gpt import GptSpec, ModelSettings
from gpts.spec.tools import ToolSpec
from tests.workers.made_services import ROUTED
from tests.workers.runs.test_loop import (  # noqa: F401
    FOUND,
    Embedder,
    Index,
    advance,
    give,
    give_files,
    made_services,
    scripted_services,
    shown,
    told,
)
from web.runs import services
from workers.engine.scripted import CAPABLE, WEAK, ScriptedEngine
from workers.runs import loop
from workers.tools import Tool, ToolOutput

SPEC = GptSpec(slug="p", name="P")
WRITE = ToolSpec(name="write", description="", parameters={"type": "object", "properties": {"code": {}}})
CALL = "<tool_call>" + json.dumps({"name": "write", "arguments": {"code": "1"}}) + "</tool_call>"
# As a model writes it whose limit comes first: one word is one token.
LONG_CALL = '<tool_call>{"name": "write", "arguments": {"code": "' + "word " * 20_000 + '"}}</tool_call>'


@pytest.fixture
def writes(monkeypatch):
    monkeypatch.setattr(loop, "granted", lambda spec, _: {"write": Tool(WRITE, lambda *_: ToolOutput("Done."))})


def with_context(n_tokens, **fields):
    return CAPABLE.model_copy(update={"context_tokens": n_tokens, **fields})


@pytest.mark.parametrize(
    ("ability", "max_tokens", "limit", "left"),
    [
        (with_context(4_096), None, 4_096, 3_072),  # three quarters for the prompt
        (with_context(16_384), None, 4_096, 12_288),
        (with_context(131_072), None, 16_384, 114_688),
        (with_context(131_072, reasons=True), None, 16_384, 98_304),
        (with_context(1_000_000), None, 16_384, 983_616),
        (with_context(16_384), 500, 4_096, 15_884),  # a creator's own limit
        (WEAK, None, 400, 7_792),  # the bundled model's, as ever
    ],
)
def test_the_longest_answer_follows_the_model_and_leaves_the_prompt_its_room(ability, max_tokens, limit, left):
    spec = SPEC.model_copy(update={"model": ModelSettings(max_tokens=max_tokens)})
    assert ability.reply_tokens == limit
    assert room(spec, ability, 0) == left


@pytest.mark.parametrize(("n_context", "n_words"), [(8_192, 4_096), (131_072, 16_384), (2_000, 1_700)])
def test_an_answer_is_as_long_as_the_prompt_leaves_room_for(run, n_context, n_words):
    give(run, instructions="word " * 250)
    its = made_services(["word " * 20_000], None, Embedder(), with_context(n_context))
    end = advance(run, its)[-1]
    assert end.finish == "length"
    assert n_words * 0.97 < len(end.text.split()) <= n_words + 1


def test_calls_and_reasoning_have_room_beside_a_creators_limit(run, writes):
    give(run, model={"max_tokens": 10})
    long = LONG_CALL.replace("word " * 20_000, "word " * 1_000)
    its = scripted_services([f"<think>{'why ' * 100}</think>{long}", "It is written. " + "word " * 20])
    its.engine._ability = CAPABLE.model_copy(update={"reasons": True})
    advance(run, its)
    advance(run, its, "tools")
    end = advance(run, its)[-1]
    assert (end.finish, len(end.text.split())) == ("length", 11)


def test_a_call_that_its_limit_cuts_is_written_again_with_all_the_room_there_is(run, told, writes):  # noqa: F811
    give(run, model={"max_tokens": 10})
    its = scripted_services([f"Wait. {LONG_CALL}", CALL, "It is done."])
    steps = advance(run, its)
    first, second = [step for step in steps if isinstance(step, ModelReply)]
    assert (first.cut_call, first.tool_calls, first.finish) == (True, (), "length")
    assert [call.arguments for call in second.tool_calls] == [{"code": "1"}]
    few, many = [request.max_tokens for request in its.engine.requests]
    assert few == CAPABLE.reply_tokens < many
    assert not any("Wait" in message.content for message in its.engine.requests[1].messages)
    advance(run, its, "tools")
    assert advance(run, its)[-1].text == "It is done."


def test_a_call_that_never_fits_says_so_and_what_to_do(run, writes):
    its = scripted_services([LONG_CALL])
    end = advance(run, its)[-1]
    assert isinstance(end, Error)
    assert len(its.engine.requests) == 2
    n_tokens = its.engine.requests[1].max_tokens
    assert end.message.startswith(f"The call that the model wrote was longer than the {n_tokens:,} tokens")
    assert "Ask for less" in end.message


def test_a_reply_that_was_all_reasoning_gets_more_room_once(run):
    its = scripted_services(["<think>" + "why " * 20_000, "<think>Wet.</think>It rains."])
    its.engine._ability = with_context(32_768, reasons=True)
    end = advance(run, its)[-1]
    assert (end.text, end.finish) == ("It rains.", "stop")
    few, many = [request.max_tokens for request in its.engine.requests]
    assert few == 8_192 < many


@pytest.mark.parametrize("reply", [LONG_CALL, "<think>" + "why " * 100, "word " * 100])
def test_a_programs_own_limit_is_obeyed_and_nothing_is_written_again(run, writes, reply):
    services.cancel_run(run)
    sent = services.Sent(overrides=Overrides(max_tokens=30))
    its = scripted_services([reply])
    end = advance(services.start_run(run.message.conversation, "Why?", sent=sent), its)[-1]
    [request] = its.engine.requests
    assert (end.finish, request.max_tokens) == ("length", 30)


class Cuts(ScriptedEngine):
    """Ends replies after five words whatever their limit, as gateways with one of their own do."""

    goes_on = True

    def can_continue(self):
        return self.goes_on

    def stream(self, request):
        for token in super().stream(replace(request, max_tokens=5)):
            finish = token.finish and ("length" if token.usage.completion_tokens == 5 else "stop")
            yield replace(token, finish=finish)


@pytest.mark.parametrize(("goes_on", "text"), [(True, "a b c d e f g h i j k l"), (False, "a b c d e")])
def test_an_answer_that_a_server_cuts_goes_on_by_itself_where_it_can(run, told, goes_on, text):  # noqa: F811
    its = scripted_services([])
    its = replace(its, engine=Cuts(["a b c d e ", "f g h i j", " k l"]))
    its.engine.goes_on = goes_on
    steps = advance(run, its)
    reply, end = steps[-2:]
    assert (end.text, end.finish) == (text, "stop" if goes_on else "length")
    assert shown(told) == text
    if goes_on:
        assert [request.begun for request in its.engine.requests] == ["", "a b c d e ", "a b c d e f g h i j"]
        assert reply.completion_tokens == 12


def test_where_the_context_is_full_an_answer_goes_on_without_the_oldest_turns(run, conversation):
    its = made_services(["word " * 70, "rest"], Index(FOUND), Embedder(), with_context(240))
    its.engine._script = ["old " * 55, "word " * 300, "and the rest"]
    advance(run, its)
    end = advance(services.start_run(conversation, "Go on?"), its)[-1]
    assert end.text.endswith("and the rest")
    assert end.finish == "stop"
    assert len(its.engine.requests[-1].messages) < len(its.engine.requests[-2].messages)


def test_what_continues_a_cut_answer_rests_on_the_same_passages(run, conversation):
    give_files(run, model={"max_tokens": 5})
    its = scripted_services(["question", "The seal kit is ZP-771 and more of it.", "more of it."], ability=ROUTED)
    first = advance(run, its)
    assert first[-1].finish == "length"
    n_requests = len(its.engine.requests)
    steps = advance(services.start_run(conversation, "Continue exactly where you stopped."), its)
    [found] = [step for step in steps if isinstance(step, Retrieval)]
    assert found.reused
    assert found.passages == FOUND.passages
    assert len(its.engine.requests) == n_requests + 1
    other = advance(services.start_run(conversation, "And what is the deposit?"), its)
    assert not any(step.reused for step in other if isinstance(step, Retrieval))


def test_ids_of_calls_are_unique_over_a_conversation_and_a_servers_own_stay(run, conversation, writes):
    own = CALL.replace('{"name"', '{"id": "server-1", "name"')
    its = scripted_services([own + CALL, "Done.", own + CALL, "Done."])
    ids = []
    for turn in (run, None):
        turn = turn or services.start_run(conversation, "Once more.")
        for queue in ("model", "tools", "model"):
            steps = advance(turn, its, queue)
        ids += [call.call_id for step in steps if isinstance(step, ModelReply) for call in step.tool_calls]
    assert ids == ["server-1", "call_1", "call_2", "call_3"]
    sent = its.engine.requests[-1].messages
    assert [call.call_id for message in sent for call in message.tool_calls] == ids
    assert sorted(message.call_id for message in sent if message.role == "tool") == sorted(ids)
