"""What programs send reaches the model, and what they ask for comes back, whatever the GPT's files say."""

import json

import pytest

from gpts.runs.messages import MessageCall, PromptMessage
from gpts.runs.overrides import CallerTool, Overrides
from gpts.runs.steps import Error, Finished, ModelReply, Retrieval, ToolResult, UserMessage
from tests.workers.made_services import ROUTED, made_services
from tests.workers.runs import test_loop
from tests.workers.runs.test_loop import (
    FOUND,
    NOT_COVERED,
    Embedder,
    Index,
    advance,
    give,
    give_files,
    scripted_services,
    shown,
)
from web.api.answers import tokens_of
from web.runs import services
from web.runs.services import Sent
from workers.engine.base import SchemaRefused
from workers.engine.scripted import CAPABLE, WEAK

told = test_loop.told
SCHEMA = {"type": "object", "properties": {"seal": {"type": ["string", "null"]}}, "required": ["seal"]}
WEATHER = CallerTool(name="weather", description="The weather.")
CALL = MessageCall(call_id="c", name="weather", arguments={"city": "Bern"})
RESULT = "Bern: 7 degrees, heavy snow until Friday."


def start(conversation, text="Which seal fits the Z-9?", later=(), is_side_task=False, earlier=(), **overrides):
    sent = Sent(earlier=earlier, later=later, overrides=Overrides(**overrides), is_side_task=is_side_task)
    return services.start_run(conversation, text, sent=sent)


@pytest.mark.parametrize("found", [FOUND, Retrieval(query="")])
@pytest.mark.parametrize("tools", [(), (WEATHER,)])
def test_an_answer_under_a_schema_follows_it_whatever_the_files_and_tools(conversation, told, found, tools):
    run = start(conversation, answer_schema=SCHEMA, tools=tools)
    give_files(run, only_from_knowledge=True)
    prose = [["I would say ", "it is the ZP-771."]] if tools else []
    its = scripted_services(["Which seal?", *prose, '{"seal": "ZP-771"}'], found)
    steps = advance(run, its)
    assert json.loads(steps[-1].text) == {"seal": "ZP-771"}
    assert shown(told) == steps[-1].text
    last = its.engine.requests[-1]
    assert last.grammar.json_schema == SCHEMA
    assert "null or empty" in last.messages[-1].content
    assert len(its.engine.requests) == 2 + len(prose)


def test_a_model_with_a_schema_still_calls_functions_first(conversation):
    run = start(conversation, answer_schema=SCHEMA, tools=(WEATHER,))
    give_files(run, only_from_knowledge=True)
    call = '<tool_call>{"name": "weather", "arguments": {"city": "Bern"}}</tool_call>'
    end = advance(run, scripted_services(["Which seal?", call]))[-1]
    assert (end.finish, [made.name for made in end.tool_calls]) == ("tool_calls", ["weather"])


@pytest.mark.parametrize("ability", [CAPABLE, WEAK])
def test_nothing_that_a_program_must_parse_is_declined_in_prose(conversation, ability):
    run = start(conversation, answer_schema=SCHEMA)
    give_files(run, only_from_knowledge=True)
    script = ["Which seal?", ""] if ability == CAPABLE else [""]
    assert advance(run, made_services(script, Index(FOUND), Embedder(), ability))[-1].text == ""


@pytest.mark.parametrize("found", [FOUND, Retrieval(query="")])
def test_results_of_the_callers_functions_are_evidence_like_the_files(conversation, told, found):
    later = (
        PromptMessage(role="assistant", content="", tool_calls=(CALL,)),
        PromptMessage(role="tool", content=RESULT, name="weather", call_id="c"),
    )
    run = start(conversation, "Must I drive slowly in Bern?", later, tools=(WEATHER,))
    give_files(run, only_from_knowledge=True)
    written = "Bern has 7 degrees and heavy snow until Friday. The speed limit there is 30."
    steps = advance(run, scripted_services([written], found))
    assert steps[-1].text == shown(told)
    if found.covered:  # no passages, nothing to compare with: as before
        assert [each.level for each in steps[-1].support] == ["result", "unsupported"]
    assert steps[-1].citations == (), "there is no page of a file to open"
    assert steps[-1].label.is_untrusted, "whoever wrote the result"


def test_a_side_task_is_done_by_the_model_alone(conversation, told):
    ask = "### Task:\nGenerate a concise title summarizing the chat history.\n<chat_history>x</chat_history>"
    for ability in (CAPABLE, WEAK):
        run = start(conversation, ask, is_side_task=True)
        give_files(run, only_from_knowledge=True, instructions="Talk like a pirate.", delegates_to_all=True)
        its = made_services(['{"title": "Seals"}'], Index(FOUND), Embedder(), ability)
        steps = advance(run, its)
        assert [step.kind for step in steps] == ["user_message", "model_reply", "finished"]
        assert (steps[-1].text, steps[-1].coverage) == ('{"title": "Seals"}', "no_knowledge")
        [request] = its.engine.requests
        assert "pirate" not in request.messages[0].content
        assert its.index.queries == []


def test_settings_reach_the_engine(conversation):
    run = start(conversation, seed=7, presence_penalty=0.5, logit_bias=((3, -100.0),), reasoning_effort="none")
    its = scripted_services(["Yes."])
    advance(run, its)
    [request] = its.engine.requests
    assert (request.sampling.seed, request.sampling.presence_penalty) == (7, 0.5)
    assert request.sampling.logit_bias == ((3, -100.0),)
    assert request.without_reasoning


def test_a_program_that_allows_more_than_fits_gets_what_is_left(conversation):
    long = CAPABLE.model_copy(update={"context_tokens": 1_000})
    run = start(conversation, "word " * 600, max_tokens=1_000_000)
    its = made_services(["Yes."], None, Embedder(), long)
    assert advance(run, its)[-1].text == "Yes."
    [request] = its.engine.requests
    n_prompt = its.engine.count_tokens(request.messages)
    assert n_prompt + request.max_tokens == 1_000
    too_long = start(conversation, "word " * 950, max_tokens=1_000_000)
    end = advance(too_long, its)[-1]
    assert isinstance(end, Error)
    assert end.code == "context_length_exceeded"


def test_a_schema_that_no_reply_can_follow_is_the_callers_mistake(conversation):
    run = start(conversation, answer_schema=SCHEMA)
    end = advance(run, scripted_services([[SchemaRefused("The JSON schema is too deep.")]]))[-1]
    assert (end.message, end.code) == ("The JSON schema is too deep.", "invalid_schema")


def test_the_files_own_sentences_keep_to_the_programs_limits_and_count(conversation, told):
    whole = "The seal kit of the Zephyr-9 is ZP-771. Service the seal every 450 hours."
    for limits, text, finish in (
        ({}, whole, "stop"),
        ({"stop": ("Service",)}, "The seal kit of the Zephyr-9 is ZP-771.", "stop"),
        ({"max_tokens": 8}, "The seal kit of the Zephyr-9 is ZP-771.", "length"),
        ({"max_tokens": 3}, "The seal kit", "length"),
    ):
        told.clear()
        run = start(conversation, "Service seal of the Zephyr-9?", **limits)
        give_files(run)
        steps = advance(run, made_services(["unused"], Index(FOUND), Embedder(), WEAK))
        end = steps[-1]
        assert isinstance(end, Finished)
        assert not any(isinstance(step, ModelReply) for step in steps)
        assert (" ".join(end.text.split()), end.finish) == (text, finish)
        assert end.stop_sequence == limits.get("stop", ("",))[0]
        assert shown(told) == end.text
        assert all(citation.answer_end <= len(end.text) for citation in end.citations)
        tokens = tokens_of(run, steps)
        assert (tokens.prompt, tokens.completion) == (5, len(text.split()))


def test_an_answer_tells_which_stop_text_of_the_program_ended_it(conversation):
    run = start(conversation, "Count", stop=("four", "three"))
    end = advance(run, made_services(["One two three four"], None, Embedder(), CAPABLE))[-1]
    assert (end.text, end.finish, end.stop_sequence) == ("One two", "stop", "three")


def test_context_before_the_question_changes_nothing_of_what_a_weak_model_quotes(conversation):
    reminder = "<system-reminder>You are an agent. Who are you? Today is Monday.</system-reminder>"
    texts = []
    for earlier in ((), (PromptMessage(role="user", content=reminder),)):
        run = start(conversation, "Service seal of the Zephyr-9?", earlier=earlier)
        give_files(run)
        texts.append(advance(run, made_services(["unused"], Index(FOUND), Embedder(), WEAK))[-1].text)
    assert "450 hours" in texts[0]
    assert texts[0] == texts[1]


def test_a_decline_keeps_to_them_too(conversation, told):
    run = start(conversation, max_tokens=4)
    give_files(run, only_from_knowledge=True)
    end = advance(run, scripted_services(["Which seal?", "NOT COVERED"], ability=ROUTED))[-1]
    assert NOT_COVERED.startswith(end.text)
    assert (len(end.text.split()), end.finish, shown(told)) == (4, "length", end.text)


def test_the_first_step_of_an_old_log_is_read_as_before():
    assert UserMessage(text="x").is_side_task is False


@pytest.mark.parametrize(
    ("written", "told_caller"),
    [
        ('{"city": 3}', '{"city": 3}'),
        ('"city: Bern"', "city: Bern"),
        ('"{\\"city\\": \\"Bern\\"}"', '{"city": "Bern"}'),
    ],
)
def test_wrong_arguments_of_the_callers_functions_are_the_callers_to_judge(conversation, written, told_caller):
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    run = start(conversation, tools=(WEATHER.model_copy(update={"parameters": schema}),))
    call = f'<tool_call>{{"name": "weather", "arguments": {written}}}</tool_call>'
    end = advance(run, scripted_services([call]))[-1]
    assert [made.arguments_json for made in end.tool_calls] == [told_caller]


@pytest.mark.parametrize("written", ['{"n": 2}', '"make it two"'])
def test_wrong_arguments_of_the_gpts_own_tools_are_told_to_the_model_which_may_try_again(conversation, written):
    run = start(conversation, "How many seconds has a day?")
    give(run, capabilities=["code_interpreter"])
    wrong = f'<tool_call>{{"name": "code_interpreter", "arguments": {written}}}</tool_call>'
    steps = advance(run, scripted_services([wrong, "86,400."]))
    [result] = [step for step in steps if isinstance(step, ToolResult)]
    assert not result.ok
    assert result.text.startswith("This call was not made: code_interpreter: ")
    assert steps[-1].text == "86,400."


@pytest.mark.parametrize("ability", [CAPABLE, WEAK])
def test_a_call_that_the_caller_forbids_is_answered_in_words(conversation, told, ability):
    later = (
        PromptMessage(role="assistant", content="", tool_calls=(CALL,)),
        PromptMessage(role="tool", content=RESULT, name="weather", call_id="c"),
    )
    run = start(conversation, "Must I drive slowly in Bern?", later, tools=(WEATHER,), tool_choice="none")
    call = '<tool_call>{"name": "weather", "arguments": {"city": "Oslo"}}</tool_call>'
    its = made_services([call, "There is snow."], Index(Retrieval(query="")), Embedder(), ability)
    steps = advance(run, its)
    assert (steps[-1].text, steps[-1].tool_calls) == ("There is snow.", ())
    assert shown(told) == "There is snow."
    assert "Answer in words" in its.engine.requests[-1].messages[-1].content
