"""What clients of Anthropic's API send and read besides messages: threads, typed tools, texts of others, models."""

import json

import httpx
import pytest

from tests.publishing import publish
from tests.web.api.conftest import key_of
from tests.web.api.test_anthropic_messages import Program
from web.api.anthropic_requests import MessagesRequest
from web.builder import services
from web.builder.models import Gpt
from web.runs import log

RESULT = {
    "type": "search_result",
    "source": "https://pumps.example/z9",
    "title": "The Z-9",
    "content": [{"type": "text", "text": "Its seal is red."}],
}


@pytest.fixture
def bobs(live, gpt, bob) -> Program:
    return Program(live, key_of(bob))


def completion(content, **more):
    """The request as a chat completion."""
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": content}], **more}
    return MessagesRequest.model_validate(body).as_completion()


def test_a_thread_is_refused_in_the_words_after_which_clients_go_on_without(bobs):
    response = bobs.ask("Hello", thread={"type": "create"})
    error = response.json()["error"]
    assert (response.status_code, error["type"]) == (400, "invalid_request_error")
    assert error["details"] == {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}


def test_an_answer_says_which_stop_sequence_ended_it(bobs, worker, meanwhile):
    def work():
        worker.take()
        worker.finish("One, two", (), stop_sequence=", three")

    meanwhile(work)
    told = bobs.ask("Count", stop_sequences=[", three"]).json()
    assert (told["stop_reason"], told["stop_sequence"]) == ("stop_sequence", ", three")
    meanwhile(work)
    events = bobs.stream("Count", stop_sequences=[", three"])
    assert events[-2][1]["delta"] == {"stop_reason": "stop_sequence", "stop_sequence": ", three"}
    assert events[0][1]["message"]["usage"]["input_tokens"] > 0


def test_an_error_of_approval_names_the_run_in_a_field(bobs, worker, meanwhile):
    meanwhile(lambda: (worker.take(), worker.ask_person()))
    details = bobs.ask("Send it").json()["error"]["details"]
    assert details["error_code"] == "approval_required"
    assert details["run"] == details["waiting_run"] == str(worker.run_id)
    assert details["url"].endswith(f"/runs/{worker.run_id}/")


@pytest.mark.parametrize(
    ("kind", "name", "field"),
    [
        ("bash_20250124", "bash", "command"),
        ("text_editor_20250728", "str_replace_based_edit_tool", "insert_text"),
        ("memory_20250818", "memory", "new_path"),
        ("computer_20250124", "computer", "coordinate"),
    ],
)
def test_tools_that_clients_run_are_functions_with_their_documented_schema(kind, name, field):
    tool = {"type": kind, "name": name, "display_width_px": 800, "display_height_px": 600}
    sent = completion("Hello", tools=[tool], tool_choice={"type": "tool", "name": name})
    (function,) = sent.overrides().tools
    assert (function.name, sent.overrides().tool_choice) == (name, name)
    assert field in function.parameters["properties"]
    assert "800 × 600" in function.description


def test_tools_of_the_server_are_the_gpt_s_own_or_refused_by_name(bobs, alice, worker, meanwhile):
    tools = [{"type": "web_search_20250305", "name": "web_search"}, {"type": "tool_search_tool_bm25_20251119"}]
    refused = bobs.ask("Hello", tools=tools)
    assert (refused.status_code, "web_search_20250305" in refused.json()["error"]["message"]) == (400, True)
    meanwhile(worker.answer)
    assert bobs.ask("Hello", tools=tools[1:]).status_code == 200
    gpt = Gpt.objects.get(slug="pump-doctor")
    publish(services.update_gpt(gpt, {"capabilities": ["web_browsing"]}, by=alice))
    meanwhile(worker.answer)
    assert bobs.ask("Hello", tools=tools).status_code == 200
    assert log.read(worker.run_id)[0].overrides.tools == ()


def test_search_results_and_documents_are_files_and_no_words_of_the_caller():
    document = {"type": "document", "title": "Manual", "source": {"type": "text", "data": "Fit it dry."}}
    message = completion([RESULT, RESULT, document, {"type": "text", "text": "Which?"}]).message()
    assert message.text == "Which?"
    assert [file.name for file in message.files] == ["Manual.txt", "search results.md"]
    assert message.files[1].data.decode().count("## The Z-9\n\nhttps://pumps.example/z9\n\nIts seal is red.") == 2


def test_search_results_in_the_result_of_a_call_are_its_text():
    result = {"type": "tool_result", "tool_use_id": "c1", "content": [RESULT], "is_error": True}
    read = completion([result, {"type": "text", "text": "Which?"}]).message()
    assert [each.content for each in read.earlier if each.role == "tool"] == [
        "Error: ## The Z-9\n\nhttps://pumps.example/z9\n\nIts seal is red."
    ]


def test_what_coding_agents_send_is_read():
    system = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    echoed = [
        {"type": "thinking", "thinking": "Hm.", "signature": ""},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "text", "text": "Hello.", "citations": None},
    ]
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": echoed}]
    choice = {"type": "any", "disable_parallel_tool_use": True}
    tool = {"name": "f", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}}
    sent = completion(
        "Go on",
        system=system,
        messages=[*messages, {"role": "user", "content": "Go on"}],
        metadata={"user_id": "u"},
        tools=[tool],
        tool_choice=choice,
        output_format={"type": "json_schema", "schema": {"type": "object"}},
    )
    read = sent.message()
    assert [each.content for each in read.earlier] == ["Instructions from the caller: Be brief.", "Hi", "Hello."]
    assert (sent.in_parallel, sent.overrides().tool_choice) == (False, "required")
    assert sent.overrides().answer_schema == {"type": "object"}


def test_models_are_listed_in_pages_as_anthropic_s_clients_read_them(live, gpt, bob):
    with httpx.Client(base_url=live, headers={"x-api-key": key_of(bob), "anthropic-version": "2023-06-01"}) as http:
        for name in ("Second", "Third"):
            publish(services.create_gpt(bob, {"name": name}))
        page = http.get("/v1/models?limit=2").json()
        assert [each["id"] for each in page["data"]] == ["third", "second"]
        assert (page["has_more"], page["first_id"], page["last_id"]) == (True, "third", "second")
        first = page["data"][0]
        assert (first["type"], first["display_name"], first["created_at"][:2]) == ("model", "Third", "20")
        rest = http.get("/v1/models?limit=2&after_id=second").json()
        assert ([each["id"] for each in rest["data"]], rest["has_more"]) == (["pump-doctor"], False)
        back = http.get("/v1/models?limit=1&before_id=pump-doctor").json()
        assert ([each["id"] for each in back["data"]], back["has_more"]) == (["second"], True)
        assert http.get("/v1/models?after_id=nobody").status_code == 400
        one = http.get("/v1/models/third")
        assert (one.json()["display_name"], one.headers["request-id"][:4]) == ("Third", "req_")
        assert http.get("/v1/models", headers={"anthropic-version": ""}).status_code == 200


def test_a_text_document_is_counted(bobs, monkeypatch):
    counted = []
    monkeypatch.setattr("web.rpc.call_for", lambda *args, **_: counted.append(json.loads(args[3])) or {"n_tokens": 7})
    document = {"type": "document", "source": {"type": "text", "data": "Fit it dry."}}
    content = [document, {"type": "text", "text": "Which?"}]
    body = {"model": "pump-doctor", "messages": [{"role": "user", "content": content}]}
    told = httpx.post(f"{bobs.url}/count_tokens", json=body, headers=bobs.headers).json()
    assert (told, counted[0]["text"]) == ({"input_tokens": 7}, "Fit it dry.\n\nWhich?")
