"""Turns of a model that reasons: kept with its reply, shown apart, and never an answer."""

import json

import pytest

from gpts.runs.fixed_replies import is_decline
from gpts.runs.overrides import Overrides
from gpts.runs.steps import ModelReply
from gpts.spec.tools import ToolSpec
from tests.workers.runs.test_loop import advance, give, give_files, scripted_services, shown, told  # noqa: F401
from web.runs import services
from workers.engine.scripted import CAPABLE
from workers.runs import loop
from workers.tools import Tool, ToolOutput

REASONS = CAPABLE.model_copy(update={"reasons": True})
CALL = "<tool_call>" + json.dumps({"name": "look", "arguments": {}}) + "</tool_call>"


def reasoned(events: list[dict]) -> str:
    return "".join(event["text"] for event in events if event["type"] == "reasoning")


def test_reasoning_is_streamed_and_kept_apart_from_the_answer(run, told):  # noqa: F811
    steps = advance(run, scripted_services(["<think>It is raining.</think>\nTake an umbrella."]))
    reply, finished = steps[-2:]
    assert (reply.text, reply.reasoning, finished.text) == (
        "Take an umbrella.",
        "It is raining.",
        "Take an umbrella.",
    )
    assert reply.completion_tokens > reply.reasoning_tokens > 0
    assert reasoned(told).strip() == "It is raining."
    assert shown(told) == "Take an umbrella."
    kinds = [event["type"] for event in told]
    assert kinds.index("reasoning") < kinds.index("token")


def test_a_call_gets_its_reasoning_back_and_the_next_turn_none(run, told, monkeypatch):  # noqa: F811
    look = ToolSpec(name="look", description="", parameters={})
    monkeypatch.setattr(loop, "granted", lambda spec, _: {"look": Tool(look, lambda *_: ToolOutput("It rains."))})
    its = scripted_services([f"<think>I must look.</think>{CALL}", "<think>Wet.</think>It rains."])
    advance(run, its)
    steps = advance(run, its, "tools")
    steps = advance(run, its)
    assert steps[-1].text == "It rains."
    assert [step.reasoning for step in steps if isinstance(step, ModelReply)] == ["I must look.", "Wet."]
    second = its.engine.requests[1]
    assert [message.reasoning for message in second.messages if message.tool_calls] == ["I must look."]
    later = services.start_run(run.message.conversation, "And tomorrow?")
    advance(later, its)
    assert not any(message.reasoning for message in its.engine.requests[-1].messages)
    assert not any("I must look" in message.content for message in its.engine.requests[-1].messages)


@pytest.mark.parametrize("strict", [True, False])
def test_a_reply_that_ends_within_its_reasoning_is_neither_an_answer_nor_a_decline(run, told, strict):  # noqa: F811
    give_files(run, only_from_knowledge=strict)
    reasoning = "The seal kit of the Zephyr-9 is ZP-771. " * 1_200
    steps = advance(run, scripted_services([f"<think>{reasoning}"]))
    assert steps[-2].only_reasons
    assert (steps[-1].text, steps[-1].finish, steps[-1].citations) == ("", "length", ())
    assert not is_decline(steps[-1].text)
    assert shown(told) == ""


def test_reasoning_has_room_of_its_own_and_the_answer_no_more_than_the_gpt_allows(run):
    give(run, model={"max_tokens": 10})
    its = scripted_services(["<think>" + "why " * 50 + "</think>" + "word " * 40])
    its.engine._ability = REASONS
    steps = advance(run, its)
    assert its.engine.requests[0].max_tokens == 10 + REASONS.reasoning_tokens
    assert len(steps[-1].text.split()) == 11
    assert (steps[-1].finish, len(steps[-2].reasoning.split())) == ("length", 50)


def test_a_callers_limit_includes_reasoning(run):
    services.cancel_run(run)
    limited = services.start_run(
        run.message.conversation, "Why?", sent=services.Sent(overrides=Overrides(max_tokens=30))
    )
    its = scripted_services(["<think>" + "why " * 50])
    its.engine._ability = REASONS
    steps = advance(limited, its)
    assert its.engine.requests[0].max_tokens == 30
    assert (steps[-1].finish, steps[-2].completion_tokens) == ("length", 30)
