"""The battery judges what a model does, not what it is called."""

import json

import pytest

from gpts.runs.state import TurnState
from gpts.runs.steps import ModelReply, ToolCall
from workers.engine.base import EngineError, GrammarError
from workers.engine.measuring import _cases, drawn, known_measurement, measure
from workers.engine.scripted import CAPABLE


def perfect(state: TurnState) -> ModelReply:
    """Answers each case by looking it up."""
    question = state.question().split("\n\nWhich of these tools")[0]
    cases = _cases()
    if state.tools:
        case = next(case for case in cases["choice"] if case["message"] == question)
        call = ToolCall(call_id="c", name=case["tool"], arguments={"all": " ".join(case.get("holds", []))})
        return ModelReply(text="" if case["tool"] else "Hello.", tool_calls=(call,) if case["tool"] else ())
    if state.user_message().overrides.answer_schema:
        return ModelReply(
            text=json.dumps({"tool": next(c["tool"] for c in cases["tie"] if c["message"] == question)})
        )
    for kind in ("sources", "format", "hard"):
        given = [each for each in cases[kind] if {"holds", "answers"} & set(each)]
        if found := [each for each in given if each["message"] == question]:
            return ModelReply(text=" ".join([*found[0].get("holds", []), "and so on."]))
    if state.spec.only_from_knowledge:
        return ModelReply(text="", declined=True)
    return ModelReply(text="That is not in the files. / Das steht nicht darin.")


def test_a_perfect_model_is_trusted_with_everything():
    found = measure(perfect, CAPABLE)
    trusted = ("calls_tools", "writes_from_sources", "keeps_to_sources", "breaks_ties")
    assert found.fields() == dict.fromkeys(trusted, True)
    assert all(figure.share == 1 for figure in found.figures.values())


def test_a_model_that_always_calls_is_not_trusted_to_choose():
    def eager(state: TurnState) -> ModelReply:
        reply = perfect(state)
        call = ToolCall(call_id="c", name="run_python", arguments={})
        return reply if reply.tool_calls or not state.tools else ModelReply(text="", tool_calls=(call,))

    found = measure(eager, CAPABLE)
    assert not found.fields()["calls_tools"]
    assert found.figures["no_tool_needed"].right == 0
    assert found.fields()["writes_from_sources"]


def test_a_model_that_makes_things_up_is_not_trusted_to_write():
    def inventive(state: TurnState) -> ModelReply:
        reply = perfect(state)
        return ModelReply(text="It is 18 decibels.") if "not in the files" in reply.text else reply

    assert not measure(inventive, CAPABLE).fields()["writes_from_sources"]


@pytest.mark.parametrize("made_up", ["They come in red and blue.", "Yes, from 8 to 18.", "It costs 24 euros."])
def test_a_model_that_makes_things_up_in_hard_cases_only_writes_but_is_not_taken_to_keep_to_its_sources(made_up):
    def inventive(state: TurnState) -> ModelReply:
        reply = perfect(state)
        return ModelReply(text=made_up) if reply.declined else reply

    fields = measure(inventive, CAPABLE).fields()
    assert (fields["writes_from_sources"], fields["keeps_to_sources"]) == (True, False)


def test_hard_cases_are_left_out_for_a_model_that_does_not_write():
    found = measure(lambda state: ModelReply(text="Yes."), CAPABLE)
    assert "hard_sources" not in found.figures


def test_a_model_that_cannot_follow_a_grammar_is_wrong_and_no_error():
    def broken(state: TurnState) -> ModelReply:
        raise GrammarError("no")

    assert not any(measure(broken, CAPABLE).fields().values())


@pytest.mark.parametrize(("looks", "sees"), [(True, True), (False, False)])
def test_a_model_that_tells_what_is_in_pictures_sees(looks, sees):
    def looking(state: TurnState) -> ModelReply:
        if not state.pictures:
            return perfect(state)
        case = next(case for case in _cases()["sight"] if drawn(case["text"], case["colour"]) == state.pictures["p"])
        return ModelReply(text=f"It says {case['holds'][0]}." if looks else "A fine picture.")

    assert measure(looking, CAPABLE, takes_pictures=True).fields()["sees_images"] == sees


def test_a_server_that_refuses_pictures_has_a_model_that_does_not_see():
    def refusing(state: TurnState) -> ModelReply:
        if state.pictures:
            raise EngineError("HTTP 400: at most 0 image(s) may be provided")
        return perfect(state)

    fields = measure(refusing, CAPABLE, takes_pictures=True).fields()
    assert (fields["sees_images"], fields["writes_from_sources"]) == (False, True)


@pytest.mark.model
def test_the_bundled_model_is_known_and_need_not_be_measured(local_engine):
    found = known_measurement(local_engine.fingerprint())
    assert found is not None
    assert not any(found.fields().values())


def test_a_model_that_reasons_gets_the_room_for_it():
    rooms = []

    def thinking(state: TurnState) -> ModelReply:
        rooms.append(state.ability.reasoning_tokens)
        return perfect(state).model_copy(update={"reasoning": "Hm."})

    assert measure(thinking, CAPABLE).fields()["reasons"]
    assert rooms[0] == 0
    assert min(rooms[1:]) > 0
