"""`/v1/messages`: Anthropic's Messages in front of the same runs. tests/clients has the official client."""

import json
from typing import Any

import httpx
import pytest

from gpts.runs.steps import ToolCall
from tests.web.api.conftest import ANSWER, QUOTE, key_of
from web.runs import log
from web.runs.models import Conversation, Run

WEATHER = {"name": "weather", "description": "Tells it.", "input_schema": {"type": "object", "properties": {}}}


class Program:
    """Bob's program."""

    def __init__(self, url: str, key: str) -> None:
        self.url, self.headers = f"{url}/v1/messages", {"x-api-key": key, "anthropic-version": "2023-06-01"}

    def ask(self, *messages: Any, **more: Any) -> httpx.Response:
        """The response for these messages; a text alone is one of the user's."""
        sent = [{"role": "user", "content": each} if isinstance(each, str | list) else each for each in messages]
        body = {"model": "pump-doctor", "max_tokens": 100, "messages": sent, **more}
        return httpx.post(self.url, json=body, headers=self.headers, timeout=30)

    def stream(self, *messages: Any, **more: Any) -> list[tuple[str, dict[str, Any]]]:
        """The events of a stream, by name."""
        text = self.ask(*messages, stream=True, **more).text
        events = [dict(line.split(": ", 1) for line in each.split("\n")) for each in text.strip().split("\n\n")]
        return [(each["event"], json.loads(each["data"])) for each in events]


@pytest.fixture
def bobs(live, gpt, bob) -> Program:
    return Program(live, key_of(bob))


def test_an_answer_has_text_citations_and_usage(bobs, worker, meanwhile):
    meanwhile(worker.answer)
    told = bobs.ask("Which seal?", system="Be brief.").json()
    assert (told["type"], told["role"], told["model"], told["stop_reason"]) == (
        "message",
        "assistant",
        "pump-doctor",
        "end_turn",
    )
    (block,) = told["content"]
    (citation,) = block["citations"]
    assert (block["type"], block["text"]) == ("text", ANSWER)
    assert (citation["type"], citation["cited_text"], citation["title"]) == (
        "search_result_location",
        QUOTE,
        "manual.pdf, page 7, “Seals”",
    )
    assert citation["source"].startswith("http")
    assert (told["usage"]["input_tokens"], told["usage"]["output_tokens"]) == (40, 9)
    assert told["guildhall"]["coverage"] == "covered"
    first = log.read(worker.run_id)[0]
    assert [message.content for message in first.earlier] == ["Instructions from the caller: Be brief."]
    assert (first.text, first.overrides.max_tokens) == ("Which seal?", 100)
    assert Run.objects.get(id=worker.run_id).message.conversation.origin == Conversation.Origin.API


def test_a_stream_has_every_event_in_order(bobs, worker, meanwhile):
    def work() -> None:
        worker.take()
        worker.reason("Hm.")
        worker.write("The seal is ", "ZP-771.")
        worker.finish(reasoning="Hm.")

    meanwhile(work)
    events = [each for each in bobs.stream("Which seal?", thinking={"type": "adaptive"}) if each[0] != "ping"]
    assert all(name == data["type"] for name, data in events)
    assert [name for name, _ in (events[0], *events[-2:])] == ["message_start", "message_delta", "message_stop"]
    deltas = [data["delta"] for name, data in events if name == "content_block_delta"]
    assert "".join(each.get("thinking", "") for each in deltas) == "Hm."
    assert "".join(each.get("text", "") for each in deltas) == ANSWER
    assert [each["citation"]["cited_text"] for each in deltas if each["type"] == "citations_delta"] == [QUOTE]
    begun = [(data["index"], data["content_block"]["type"]) for name, data in events if name == "content_block_start"]
    assert begun == [(0, "thinking"), (1, "text")]
    assert [data["index"] for name, data in events if name == "content_block_stop"] == [0, 1]
    assert events[-2][1]["delta"]["stop_reason"] == "end_turn"
    assert events[-2][1]["usage"]["output_tokens"] == 9


def test_the_caller_s_tools_are_called_and_their_results_read(bobs, worker, meanwhile):
    call = ToolCall(call_id="c1", name="weather", arguments={"city": "Oslo"})
    meanwhile(lambda: (worker.take(), worker.ask_caller(call, text="Let me look.")))
    told = bobs.ask("Does it rain?", tools=[WEATHER], tool_choice={"type": "any"}).json()
    assert told["stop_reason"] == "tool_use"
    text, use = told["content"]
    assert (text["text"], use["type"], use["name"], use["input"]) == (
        "Let me look.",
        "tool_use",
        "weather",
        {"city": "Oslo"},
    )
    assert log.read(worker.run_id)[0].overrides.tool_choice == "required"
    result = {"type": "tool_result", "tool_use_id": use["id"], "content": [{"type": "text", "text": "It rains."}]}
    meanwhile(lambda: (worker.take(), worker.finish("Yes.", ())))
    reply = {"role": "assistant", "content": [text, use]}
    told = bobs.ask("Does it rain?", reply, [result], tools=[WEATHER]).json()
    assert told["content"][0]["text"] == "Yes."
    first = log.read(worker.run_id)[0]
    assert [(each.role, each.content) for each in first.later] == [
        ("assistant", "Let me look."),
        ("tool", "It rains."),
    ]
    assert first.later[0].tool_calls[0].arguments == {"city": "Oslo"}
    assert first.replies_label is not None  # this site's own reply, which is no text from outside


def test_calls_are_streamed(bobs, worker, meanwhile):
    call = ToolCall(call_id="c1", name="weather", arguments={"city": "Oslo"})
    meanwhile(lambda: (worker.take(), worker.ask_caller(call)))
    events = bobs.stream("Does it rain?", tools=[WEATHER])
    (begun,) = [data["content_block"] for name, data in events if name == "content_block_start"]
    assert (begun["type"], begun["name"], begun["input"]) == ("tool_use", "weather", {})
    written = [data["delta"]["partial_json"] for name, data in events if name == "content_block_delta"]
    assert json.loads("".join(written)) == {"city": "Oslo"}
    assert events[-2][1]["delta"]["stop_reason"] == "tool_use"


@pytest.mark.parametrize(
    ("more", "status", "kind"),
    [
        ({"max_tokens": 0}, 400, "invalid_request_error"),
        ({"messages": []}, 400, "invalid_request_error"),
        ({"model": "nobody"}, 404, "not_found_error"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, 400, "invalid_request_error"),
        ({"tools": [{"type": "teleport_20300101", "name": "teleport"}]}, 400, "invalid_request_error"),
        ({"mcp_servers": [{"type": "url", "url": "https://x.example", "name": "x"}]}, 400, "invalid_request_error"),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "http://a"}}]}
                ]
            },
            400,
            "invalid_request_error",
        ),
    ],
)
def test_errors_have_anthropic_s_shape(bobs, more, status, kind):
    response = bobs.ask("Hello", **more)
    assert (response.status_code, response.json()["type"], response.json()["error"]["type"]) == (
        status,
        "error",
        kind,
    )


def test_keys_limits_and_failures_too(bobs, worker, meanwhile, settings):
    meanwhile(lambda: (worker.take(), worker.fail("The model is away.")))
    error = {"type": "api_error", "message": "The model is away.", "details": {"error_code": "run_failed"}}
    assert bobs.stream("Hello")[-1] == ("error", {"type": "error", "error": error})
    meanwhile(lambda: (worker.take(), worker.ask_person()))
    waiting = bobs.ask("Send it")
    assert (waiting.status_code, waiting.json()["error"]["type"]) == (403, "permission_error")
    settings.API_REQUESTS_A_MINUTE = 1
    assert bobs.ask("Hello").json()["error"]["type"] == "rate_limit_error"
    settings.API_REQUESTS_A_MINUTE = None
    bobs.headers["x-api-key"] = "gh_wrong"
    refused = bobs.ask("Hello")
    assert (refused.status_code, refused.json()["error"]["type"]) == (401, "authentication_error")
    assert httpx.get(bobs.url, headers=bobs.headers).json()["type"] == "error"
