"""The battery judges what a model does, not what it is called."""

import itertools
import json
import math
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import binom

from gpts.knowledge.citations import Checked
from gpts.knowledge.judging import Judge
from gpts.runs.state import TurnState
from gpts.runs.steps import ModelReply, ToolCall
from workers.engine import long_reading
from workers.engine.ability_cases import Examinee, Reply, cases, drawn, judge, passage_of
from workers.engine.base import EngineError, GrammarError
from workers.engine.long_reading import made_file
from workers.engine.measuring import (
    AT_ONCE,
    GOOD,
    POOR_BY,
    Measurement,
    PartScore,
    WrongCase,
    _is_decided,
    known_measurement,
    measure,
)
from workers.engine.scripted import CAPABLE

RIGHT = {
    each["message"]: each["answers"]
    for each in tomllib.loads(Path(__file__).with_name("right_answers.toml").read_text("utf-8"))["case"]
}


def holding(case: Mapping[str, Any]) -> str:
    """A text with one of each of the case's alternatives."""
    return " ".join(each if isinstance(each, str) else each[0] for each in case.get("holds", []))


def perfect(state: TurnState) -> ModelReply:
    """Answers each case by looking it up."""
    question = state.question().split("\n\nWhich of these tools")[0]
    if state.whole_files:
        return ModelReply(text=fact(question, state.whole_files[0].text))
    if state.tools:
        case = next((case for case in cases()["choice"] if case["message"] == question), None)
        if case is None:
            return ModelReply(text="Hello.")
        return ModelReply(
            text="", tool_calls=(ToolCall(call_id="c", name=case["tool"], arguments={"all": holding(case)}),)
        )
    if state.user_message().overrides.answer_schema:
        return ModelReply(
            text=json.dumps({"tool": next(c["tool"] for c in cases()["tie"] if c["message"] == question)})
        )
    if question in RIGHT:
        return ModelReply(text=RIGHT[question][0])
    for kind in ("sources", "hard"):
        given = [each for each in cases()[kind] if "holds" in each]
        if found := [each for each in given if each["message"] == question]:
            return ModelReply(text=f"{holding(found[0])} and so on.")
    if state.spec.only_from_knowledge:
        return ModelReply(text="", declined=True)
    return ModelReply(text="That is not in the files. / Das steht nicht darin.")


def fact(question: str, text: str) -> str:
    """The answer to a question about a made-up file."""
    entries = text.split("\n\n")
    if named := re.search("gate of the (.+) depot", question):
        entry = next(each for each in entries if each.startswith(f"The {named[1]} depot"))
        return re.search("with the code (.+),", entry)[1]
    return ", ".join(each.split()[1] for each in entries if "Greta Holm inspects" in each)


def knows(sentences: Sequence[str], state: TurnState) -> list[Checked]:
    """Verdicts of a model that is always right."""
    said = {case["text"]: case["said"] for case in cases()["claim"]}
    return [Checked(likely=0.9 if said[each] else 0.1) for each in sentences]


def test_a_perfect_model_is_trusted_with_everything_after_fewer_cases():
    found = measure(perfect, CAPABLE, verify=knows)
    trusted = ("calls_tools", "writes_from_sources", "keeps_to_sources", "breaks_ties", "verifies")
    assert found.fields() == dict.fromkeys(trusted, True)
    assert all(figure.share == 1 for figure in found.figures.values())
    kinds = ("choice", "chat", "tie", "sources", "abstain", "format", "hard", "claim")
    n_cases = sum(figure.cases for part, figure in found.figures.items() if part != "arguments")
    assert (n_cases, sum(len(cases()[kind]) for kind in kinds) + 4) == (63, 98)


def trusted_rate(part: str, planned: Sequence[Mapping[str, Any]], right_in: float) -> tuple[float, float]:
    """How likely a model that is right in this share of cases is trusted with the part, and its cases on average."""
    states, good, n_asked = {0: 1.0}, 0.0, 0.0
    for n in range(AT_ONCE, len(planned) + AT_ONCE, AT_ONCE):
        size, n = min(AT_ONCE, len(planned) + AT_ONCE - n), min(n, len(planned))
        reached: Counter[int] = Counter()
        for (before, likely), more in itertools.product(states.items(), range(size + 1)):
            weight = math.comb(size, more) * right_in**more * (1 - right_in) ** (size - more)
            reached[before + more] += likely * weight
        states = {}
        for right, likely in reached.items():
            figure = PartScore(right=right, cases=n)
            if n < len(planned) and not _is_decided(part, figure, planned):
                states[right] = likely
                continue
            good += likely * (figure.share >= cases()["enough"][part])
            n_asked += likely * n
    return good, n_asked


@pytest.mark.parametrize(("kind", "part"), [("hard", "hard_sources"), ("claim", "verifying")])
def test_a_part_that_ends_early_takes_one_in_twenty_good_models_for_poor_ones_at_most_and_the_reverse(kind, part):
    planned, enough = cases()[kind], cases()["enough"][part]
    good, n_good = trusted_rate(part, planned, GOOD)
    poor, n_poor = trusted_rate(part, planned, enough - POOR_BY)
    n_needed = math.ceil(enough * len(planned))
    with_all = binom.sf(n_needed - 1, len(planned), [GOOD, enough - POOR_BY])
    assert good >= min(0.94, with_all[0])
    assert poor <= max(0.06, with_all[1])
    assert max(n_good, n_poor) <= 0.7 * len(planned)


@pytest.mark.parametrize(
    ("case", "answer"), [(message, each) for message, answers in RIGHT.items() for each in answers]
)
def test_answers_that_are_right_in_other_words_or_say_more_are_right(case, answer):
    kind, found = next(
        (kind, each)
        for kind in ("choice", "sources", "abstain", "hard", "format")
        for each in cases()[kind]
        if each["message"] == case
    )
    judged = judge(kind, found, Examinee(lambda state: ModelReply(text=answer), CAPABLE))
    assert all(judged.parts.values())


@pytest.mark.parametrize(
    ("kind", "case", "answer"),
    [
        ("format", "Nenne drei Obstsorten.", "Apfel - Birne - Kirsche"),
        ("format", "Nenne drei Obstsorten.", "- Apfel\n- Birne\n- Kirsche\n- Pflaume"),
        ("format", "What does a technician do?", "Workshop Line 0800-555. A technician repairs machines."),
        ("format", "Where is the Eiffel Tower?", 'Here it is: {"city": "Paris", "country": "France"}'),
        ("abstain", "How loud is the Aurelia 9 in decibels?", "It is not loud: 45 dB."),
        ("hard", "Can I reserve a space for my bike?", "Yes, by phone on 70 55 01 18."),
    ],
)
def test_answers_that_only_look_right_are_wrong(kind, case, answer):
    found = next(each for each in cases()[kind] if each["message"] == case)
    judged = judge(kind, found, Examinee(lambda state: ModelReply(text=answer), CAPABLE))
    assert not any(judged.parts.values())


def test_what_was_wrong_is_kept_with_the_answer_for_operators():
    def wrong_once(state: TurnState) -> ModelReply:
        is_it = state.question().startswith("Which part number")
        return ModelReply(text="It is AF-132.") if is_it else perfect(state)

    figure = measure(wrong_once, CAPABLE).figures["sources"]
    assert figure.wrong == (
        WrongCase(id="sources-0", message="Which part number does the new filter have?", answer="It is AF-132."),
    )


def test_measurements_that_only_have_the_ids_of_wrong_cases_still_load():
    old = {"figures": {"sources": {"right": 7, "cases": 8, "wrong": ["sources-1"]}}, "seconds": 3.0}
    found = Measurement.model_validate(old)
    assert found.figures["sources"].wrong == (WrongCase(id="sources-1"),)
    assert not found.fields()["verifies"]


def test_rules_judge_fewer_of_the_claims_than_a_model_must_to_be_asked_in_their_place():
    right = 0
    for case in cases()["claim"]:
        found = Judge([passage_of(case)], case["message"]).judge([case["text"]], case["text"])[0]
        right += (found.level != "unsupported") == case["said"]
    assert right / len(cases()["claim"]) < cases()["enough"]["verifying"]


def test_a_model_that_says_yes_to_every_sentence_is_no_verifier():
    assert not measure(perfect, CAPABLE, verify=lambda texts, state: [Checked(likely=0.9)] * len(texts)).fields()[
        "verifies"
    ]


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
        case = next(case for case in cases()["sight"] if drawn(case["text"], case["colour"]) == state.pictures["p"])
        return ModelReply(text=f"It says {case['holds'][0]}." if looks else "A fine picture.")

    assert measure(looking, CAPABLE, takes_pictures=True).fields()["sees_images"] == sees


def test_a_server_that_refuses_pictures_has_a_model_that_does_not_see():
    def refusing(state: TurnState) -> ModelReply:
        if state.pictures:
            raise EngineError("HTTP 400: at most 0 image(s) may be provided")
        return perfect(state)

    fields = measure(refusing, CAPABLE, takes_pictures=True).fields()
    assert (fields["sees_images"], fields["writes_from_sources"]) == (False, True)


def reader(longest: int, tried: list[int]) -> Reply:
    """A model that finds facts in files up to this length only. `tried` gets the lengths of its files."""

    def reply(state: TurnState) -> ModelReply:
        if not state.whole_files:
            return perfect(state)
        n_tokens = len(state.whole_files[0].text) // 4
        tried.append(round(n_tokens, -3))
        return perfect(state) if n_tokens <= longest else ModelReply(text="It is BL-0000.")

    return reply


@pytest.mark.parametrize(
    ("context", "longest", "reads", "tried"),
    [
        (131_072, 200_000, 52_428, [4_000, 8_000, 16_000, 32_000, 53_000]),
        (131_072, 20_000, 16_000, [4_000, 8_000, 16_000, 32_000]),
        (1_000_000, 200_000, 128_000, [4_000, 8_000, 16_000, 32_000, 64_000, 128_000]),
        (32_768, 100, 2_000, [4_000]),
        (32_768, 200_000, None, [4_000, 8_000, 13_000]),
        (4_000, 200_000, None, []),
    ],
)
def test_a_model_reads_files_of_growing_length_until_it_misses_facts_in_one(context, longest, reads, tried):
    found: list[int] = []
    able = CAPABLE.model_copy(update={"context_tokens": context})
    assert measure(reader(longest, found), able).fields().get("reads_tokens") == reads
    assert list(dict.fromkeys(found)) == pytest.approx(tried, rel=0.05)
    assert len(found) <= 3 * len(tried)


def test_one_wrong_answer_about_a_long_file_may_be_chance():
    able = CAPABLE.model_copy(update={"context_tokens": 80_000})
    once = iter((ModelReply(text="BL-0000"),))
    figures = measure(lambda state: next(once, perfect(state)) if state.whole_files else perfect(state), able)
    assert (figures.reads_tokens, figures.figures["long_reading"].right) == (32_000, 12)


def test_no_longer_file_is_begun_than_there_is_time_for(monkeypatch):
    monkeypatch.setattr(long_reading, "MOST_S", 0.0)
    able = CAPABLE.model_copy(update={"context_tokens": 131_072})
    assert measure(perfect, able).reads_tokens == 4_000


def test_a_server_that_refuses_long_prompts_ends_that_part_only():
    def refusing(state: TurnState) -> ModelReply:
        if state.whole_files and len(state.whole_files[0].text) > 40_000:
            raise EngineError("HTTP 429: too many tokens per minute")
        return perfect(state)

    found = measure(refusing, CAPABLE.model_copy(update={"context_tokens": 131_072}))
    assert found.reads_tokens == 8_000
    assert found.figures["long_reading"].wrong[0].answer.startswith("HTTP 429")


def test_a_model_that_does_not_write_reads_no_long_files():
    found = measure(lambda state: ModelReply(text="Yes."), CAPABLE)
    assert (found.reads_tokens, "long_reading" in found.figures) == (None, False)


def test_a_made_up_file_is_always_the_same_and_says_each_fact_once():
    for n_tokens in (2_100, 16_000, 128_000):
        file, asked = made_file(n_tokens)
        assert (file, asked) == made_file(n_tokens)
        assert all(file.text.count(each) == 1 for case in asked for each in case["holds"])
        # Servers whose tokens are only estimated, from bytes, take the prompt too.
        assert 0.9 * n_tokens < len(file.text) / 4 < len(file.text.encode()) / 3 < 1.4 * n_tokens


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
