"""The published cases of Open Responses (its compliance tests of 2026-04), each by its own request and conditions.

What they check of a response with their schemas is checked here with OpenAI's types and their list of fields.
"""

import base64
import json
from io import BytesIO
from typing import Any

import httpx
import pytest
from openai.types.responses import Response as OpenAiResponse
from PIL import Image

from gpts.runs.steps import ToolCall
from tests.web.api.conftest import key_of
from tests.web.api.responses_scene import EVENT_TYPES, checked
from web.runs.models import ConversationFile

pytestmark = pytest.mark.process
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Get the current weather for a location",
    "parameters": {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]},
}


def said(role: str, content: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": content}


def heart() -> str:
    drawn = BytesIO()
    Image.new("RGB", (32, 32), "red").save(drawn, "PNG")
    return f"data:image/png;base64,{base64.b64encode(drawn.getvalue()).decode()}"


IMAGE = [{"type": "input_text", "text": "What do you see?"}, {"type": "input_image", "image_url": heart()}]
ALICE = [said("user", "My name is Alice."), said("assistant", "Hello Alice!"), said("user", "What is my name?")]
PIRATE = [said("system", "You are a pirate."), said("user", "Say hello.")]
CASES = {
    "basic response": ({"input": [said("user", "Say hello in exactly 3 words.")]}, False, "message"),
    "streaming response": ({"input": [said("user", "Count from 1 to 5.")]}, True, "message"),
    "system prompt": ({"input": PIRATE}, False, "message"),
    "tool calling": ({"input": [said("user", "Weather?")], "tools": [WEATHER]}, False, "function_call"),
    "tool calling, streaming": ({"input": [said("user", "Weather?")], "tools": [WEATHER]}, True, "function_call"),
    "image input": ({"input": [said("user", IMAGE)]}, False, "message"),
    "multi-turn conversation": ({"input": ALICE}, False, "message"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_published_case_passes(live, gpt, bob, worker, meanwhile, case, monkeypatch):
    body, streams, expected = CASES[case]
    monkeypatch.setattr("web.runs.files.model_sees", lambda engine: True)

    def work() -> None:
        worker.take()
        if expected == "function_call":
            worker.ask_caller(ToolCall(call_id="c1", name="get_weather", arguments={"location": "San Francisco"}))
        else:
            worker.write("Hello", " there.")
            worker.finish("Hello there.", ())

    def settle_files(*_: object, **__: object) -> None:
        ConversationFile.objects.update(status="ready")

    monkeypatch.setattr("web.builder.files.send_task", settle_files)
    meanwhile(work)
    headers = {"Authorization": f"Bearer {key_of(bob)}"}
    body = {"model": gpt.slug, **body, "stream": streams}
    answer = httpx.post(f"{live}/v1/responses", headers=headers, json=body, timeout=20)
    assert answer.status_code == 200, answer.text
    if streams:
        *blocks, done = answer.text.strip().split("\n\n")
        assert done == "data: [DONE]"
        events = [json.loads(block.partition("\ndata: ")[2]) for block in blocks if block.startswith("event: ")]
        for event in events:
            EVENT_TYPES[event["type"]].model_validate(event)
        data = events[-1]["response"]
        added = [event["item"]["type"] for event in events if event["type"] == "response.output_item.added"]
        assert expected in added
        if expected == "function_call":
            kinds = [event["type"] for event in events]
            assert "response.function_call_arguments.delta" in kinds
            assert "response.function_call_arguments.done" in kinds
    else:
        data = answer.json()
    response = checked(OpenAiResponse.model_validate(data))
    assert response.status == "completed"
    assert expected in [item.type for item in response.output]
