"""The caller's own functions over `/v1`, with the official client: asked for, called, answered, and streamed."""

import json

import httpx
import pytest
from openai import OpenAI
from pydantic import BaseModel

from gpts.runs.messages import MessageCall, PromptMessage
from gpts.runs.steps import FileRef, ToolCall, UserMessage
from tests.web.api.conftest import ANSWER, key_of
from tests.web.api.test_openai_client import client_of
from web.runs import log
from web.runs.models import Run

pytestmark = pytest.mark.process
QUESTION = [{"role": "user", "content": "What is the weather in Bern and Oslo?"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather now.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
BERN = ToolCall(call_id="c1", name="get_weather", arguments={"city": "Bern"})
OSLO = ToolCall(call_id="c2", name="get_weather", arguments={"city": "Oslo", "note": "“ü”"})


@pytest.fixture
def bobs(live, bob) -> OpenAI:
    return client_of(live, key_of(bob))


def asked(worker) -> UserMessage:
    first = log.read(worker.run_id)[0]
    assert isinstance(first, UserMessage)
    return first


def test_parallel_calls_come_back_as_openai_writes_them(bobs, gpt, worker, meanwhile):
    def call() -> None:
        worker.take()
        worker.ask_caller(BERN, OSLO)

    meanwhile(call)
    completion = bobs.chat.completions.create(model=gpt.slug, messages=QUESTION, tools=[WEATHER], tool_choice="auto")

    choice = completion.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    assert [call.function.name for call in choice.message.tool_calls] == ["get_weather"] * 2
    assert [json.loads(call.function.arguments) for call in choice.message.tool_calls] == [
        BERN.arguments,
        OSLO.arguments,
    ]
    assert len({call.id for call in choice.message.tool_calls}) == 2
    assert Run.objects.get().status == "completed"
    [tool] = asked(worker).overrides.tools
    assert (tool.name, tool.description) == ("get_weather", "The weather now.")
    assert tool.parameters == WEATHER["function"]["parameters"]


def test_without_parallel_calls_one_comes_back(bobs, gpt, worker, meanwhile):
    def call() -> None:
        worker.take()
        worker.ask_caller(BERN, OSLO)

    meanwhile(call)
    completion = bobs.chat.completions.create(
        model=gpt.slug, messages=QUESTION, tools=[WEATHER], parallel_tool_calls=False
    )
    assert len(completion.choices[0].message.tool_calls) == 1


def test_a_streamed_call_is_put_together_by_the_client(bobs, gpt, worker, meanwhile):
    def call() -> None:
        worker.take()
        worker.write("Let me ask. ")
        worker.ask_caller(BERN, OSLO, text="Let me ask.")

    meanwhile(call)
    with bobs.chat.completions.stream(model=gpt.slug, messages=QUESTION, tools=[WEATHER]) as stream:
        kinds = [event.type for event in stream]
        choice = stream.get_final_completion().choices[0]

    assert choice.finish_reason == "tool_calls"
    assert choice.message.content == "Let me ask."
    assert [json.loads(call.function.arguments) for call in choice.message.tool_calls] == [
        BERN.arguments,
        OSLO.arguments,
    ]
    assert all(call.id.startswith("call_") for call in choice.message.tool_calls)
    assert "tool_calls.function.arguments.done" in kinds


def test_the_results_come_with_the_next_request(bobs, gpt, worker, meanwhile):
    meanwhile(worker.answer)
    calls = [
        {"id": "call_9", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Bern"}'}}
    ]
    completion = bobs.chat.completions.create(
        model=gpt.slug,
        messages=[
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hello!"},
            *QUESTION,
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "tool_call_id": "call_9", "content": "7 °C"},
        ],
        tools=[WEATHER],
    )

    assert completion.choices[0].message.content == ANSWER
    first = asked(worker)
    assert first.text == QUESTION[0]["content"]
    assert [message.content for message in first.earlier] == ["Hello", "Hello!"]
    assert first.later == (
        PromptMessage(
            role="assistant",
            content="",
            tool_calls=(MessageCall(call_id="call_9", name="get_weather", arguments={"city": "Bern"}),),
        ),
        PromptMessage(role="tool", content="7 °C", name="get_weather", call_id="call_9"),
    )


def test_calls_of_earlier_turns_stay_in_the_history(bobs, gpt, worker, meanwhile):
    meanwhile(worker.answer)
    calls = [{"id": "a", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}]
    bobs.chat.completions.create(
        model=gpt.slug,
        messages=[
            *QUESTION,
            {"role": "assistant", "tool_calls": calls},
            {"role": "tool", "tool_call_id": "a", "content": "7 °C"},
            {"role": "assistant", "content": "7 °C."},
            {"role": "user", "content": "And tomorrow?"},
        ],
    )
    first = asked(worker)
    assert (first.text, first.later) == ("And tomorrow?", ())
    assert [message.role for message in first.earlier] == ["user", "assistant", "tool", "assistant"]
    assert first.earlier[1].tool_calls[0].name == "get_weather"


@pytest.mark.parametrize(
    ("choice", "kept"),
    [
        ("none", "none"),
        ("required", "required"),
        ({"type": "function", "function": {"name": "get_weather"}}, "get_weather"),
    ],
)
def test_what_the_caller_demands_reaches_the_run(bobs, gpt, worker, meanwhile, choice, kept):
    meanwhile(worker.answer)
    bobs.chat.completions.create(model=gpt.slug, messages=QUESTION, tools=[WEATHER], tool_choice=choice)
    assert asked(worker).overrides.tool_choice == kept


class Forecast(BaseModel):
    """What the caller wants to know."""

    city: str
    degrees: int


def test_an_answer_in_json_is_parsed_by_the_client(bobs, gpt, worker, meanwhile):
    def answer() -> None:
        worker.take()
        worker.finish('{"city": "Bern", "degrees": 7}', ())

    meanwhile(answer)
    completion = bobs.chat.completions.parse(model=gpt.slug, messages=QUESTION, response_format=Forecast)

    assert completion.choices[0].message.parsed == Forecast(city="Bern", degrees=7)
    schema = asked(worker).overrides.answer_schema
    assert schema["properties"]["degrees"]["type"] == "integer"
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize(
    ("wanted", "schema"), [({"type": "text"}, None), ({"type": "json_object"}, {"type": "object"})]
)
def test_other_forms_of_the_answer(bobs, gpt, worker, meanwhile, wanted, schema):
    meanwhile(worker.answer)
    bobs.chat.completions.create(model=gpt.slug, messages=QUESTION, response_format=wanted)
    assert asked(worker).overrides.answer_schema == schema


def test_the_gpts_own_tools_run_here_and_their_files_are_named(bobs, gpt, worker, meanwhile):
    picture = FileRef(id="f9", name="fox.png", mime="image/png", size=7)

    def answer() -> None:
        worker.take()
        worker.write("Let me look. ")
        worker.use_tool("Let me look.", picture)
        worker.write("The seal is ", "ZP-771. Fit it dry.")
        worker.finish()

    meanwhile(answer)
    chunks = list(bobs.chat.completions.create(model=gpt.slug, messages=QUESTION, stream=True))

    deltas = [chunk.choices[0].delta for chunk in chunks]
    said = "".join(delta.content or "" for delta in deltas)
    assert said == f"Let me look.\n\n{ANSWER}"
    [note] = [note for delta in deltas for note in getattr(delta, "annotations", None) or ()]
    [cited] = chunks[-1].guildhall["citations"]
    assert said[cited["start_index"] : cited["end_index"]] == cited["text"]
    assert note["url_citation"]["start_index"] == cited["start_index"]
    assert chunks[-1].guildhall["files"] == [picture.model_dump()]


def test_what_a_tool_shows_by_itself_is_streamed_after_the_call(bobs, gpt, worker, meanwhile):
    def answer() -> None:
        worker.take()
        worker.write("Let me look.")
        worker.use_tool("Let me look.")
        worker.finish("It rains.", ())

    meanwhile(answer)
    chunks = bobs.chat.completions.create(model=gpt.slug, messages=QUESTION, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Let me look.\n\nIt rains."


RECORD = {"type": "object", "propertyNames": {"enum": ["a"]}, "additionalProperties": {"not": {"type": "null"}}}


def test_ordinary_keywords_of_schemas_are_taken_whether_or_not_a_reply_can_be_held_to_them(
    bobs, gpt, worker, meanwhile
):
    meanwhile(worker.answer)
    schema_of_answer = {"type": "json_schema", "json_schema": {"name": "answer", "schema": RECORD, "strict": True}}
    bobs.chat.completions.create(
        model=gpt.slug, messages=QUESTION, tools=[tool(parameters=RECORD)], response_format=schema_of_answer
    )
    overrides = asked(worker).overrides
    assert (overrides.tools[0].parameters, overrides.answer_schema) == (RECORD, RECORD)


def test_arguments_that_are_no_json_reach_the_caller_as_the_model_wrote_them(bobs, gpt, worker, meanwhile):
    wrong = ToolCall(
        call_id="c1", name="get_weather", arguments={"arguments": "{Bern"}, raw="{Bern", problem="no JSON"
    )

    def call() -> None:
        worker.take()
        worker.ask_caller(wrong)

    meanwhile(call)
    completion = bobs.chat.completions.create(model=gpt.slug, messages=QUESTION, tools=[WEATHER])
    assert completion.choices[0].message.tool_calls[0].function.arguments == "{Bern"


def call_of(arguments: str, **changes) -> list[dict]:
    call = {"id": "a", "type": "function", "function": {"name": "get_weather", "arguments": arguments}}
    return [*QUESTION, {"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "a", **changes}]


def tool(**changes) -> dict:
    return {"type": "function", "function": {**WEATHER["function"], **changes}}


def schema(**changes) -> dict:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object", **changes}}}


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        ({"tools": [WEATHER, WEATHER]}, "tools.1.function.name"),
        ({"tools": [tool(name="get weather")]}, "tools.0.function.name"),
        ({"tools": [tool(description="x" * 64_001)]}, "tools.0.function.description"),
        ({"tools": [tool(name=f"f{n}") for n in range(129)]}, "tools"),
        ({"tools": [{"type": "retrieval"}]}, "tools.0.type"),
        ({"tools": [tool(parameters={"type": "array"})]}, "tools.0.function.parameters.type"),
        (
            {"tools": [tool(parameters={"type": "object", "properties": {"city": {"type": "text"}}})]},
            "tools.0.function.parameters.properties.city.type",
        ),
        (
            {"tools": [tool(name=f"f{n}", parameters={"type": "object", "title": "x" * 60_000}) for n in range(5)]},
            "tools",
        ),
        ({"tools": [tool(parameters={"type": "object", "title": "x" * 70_000})]}, "tools.0.function.parameters"),
        ({"tool_choice": "required"}, "tool_choice"),
        (
            {"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "other"}}},
            "tool_choice.function.name",
        ),
        ({"response_format": schema(required="city")}, "response_format.json_schema.schema.required"),
        ({"response_format": schema(**{"not": {"type": "text"}})}, "response_format.json_schema.schema.not.type"),
        ({"messages": call_of("{}", content="7")[1:]}, "messages"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_with_its_place(live, gpt, bob, request_, param):
    body = {"model": gpt.slug, "messages": QUESTION, **request_}
    answer = httpx.post(
        f"{live}/v1/chat/completions", headers={"Authorization": f"Bearer {key_of(bob)}"}, json=body, timeout=20
    )
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == param
    assert not Run.objects.exists()
