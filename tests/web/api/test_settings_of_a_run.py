"""What an API caller sets for one run reaches the model through the workers' own loop."""

import openai
import pytest

from tests.web.api.conftest import key_of
from tests.workers.advancing import advance
from tests.workers.made_services import ROUTED, made_services
from workers.engine.base import Sampling
from workers.knowledge.embed import Embedder

pytestmark = pytest.mark.process
# What a worker imports for its first run takes half a minute where other tests keep the machine busy.
PATIENCE_S = 90


def test_temperature_length_and_stop_texts_reach_the_engine(live, bob, gpt, worker, meanwhile):
    # The embedder loads nothing until it encodes, and this GPT has no files.
    its = made_services(["Fit the seal dry. Then stop here."], None, Embedder("bundled"))
    meanwhile(lambda: advance(worker.next_run(), "model", lambda: its))
    client = openai.OpenAI(base_url=f"{live}/v1", api_key=key_of(bob), max_retries=0, timeout=PATIENCE_S)
    completion = client.chat.completions.create(
        model=gpt.slug,
        messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Which seal?"}],
        temperature=1.5,
        top_p=0.5,
        max_tokens=7,
        stop=["Then"],
    )

    assert completion.choices[0].message.content == "Fit the seal dry."
    [request] = its.engine.requests
    assert (request.max_tokens, request.sampling, request.stop) == (
        7,
        Sampling(temperature=1.5, top_p=0.5),
        ("Then",),
    )
    assert [message.role for message in request.messages] == ["system", "user", "user"]
    assert request.messages[1].content == "Instructions from the caller: Be brief."
    assert completion.usage.completion_tokens > 0


def test_a_demanded_call_comes_from_the_loop_and_its_result_reaches_the_engine(live, bob, gpt, worker, meanwhile):
    its = made_services(['{"city": "Bern", "days": 3}', "It is 7 °C."], None, Embedder("bundled"), ROUTED)
    client = openai.OpenAI(base_url=f"{live}/v1", api_key=key_of(bob), max_retries=0, timeout=PATIENCE_S)
    parameters = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city", "days"],
    }
    function = {"name": "forecast", "description": "The weather to come.", "parameters": parameters}
    question = {"role": "user", "content": "What comes after the rain where I live?"}
    asked = {"model": gpt.slug, "tools": [{"type": "function", "function": function}]}

    meanwhile(lambda: advance(worker.next_run(), "model", lambda: its))
    demanded = {"type": "function", "function": {"name": "forecast"}}
    first = client.chat.completions.create(messages=[question], tool_choice=demanded, **asked).choices[0]
    assert first.finish_reason == "tool_calls"
    [call] = first.message.tool_calls
    assert (call.function.name, call.function.arguments) == ("forecast", '{"city": "Bern", "days": 3}')
    assert its.engine.requests[0].grammar.json_schema == parameters

    meanwhile(lambda: advance(worker.next_run(), "model", lambda: its))
    result = {"role": "tool", "tool_call_id": call.id, "content": "7 °C"}
    messages = [question, first.message.to_dict(), result]
    second = client.chat.completions.create(messages=messages, tool_choice="none", **asked).choices[0]
    assert (second.finish_reason, second.message.content) == ("stop", "It is 7 °C.")
    read = [(message.role, message.content) for message in its.engine.requests[1].messages]
    assert read[1:] == [("user", question["content"]), ("assistant", ""), ("tool", "7 °C")]
