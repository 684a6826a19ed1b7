"""The official client's `responses` against a live site: whole, streamed, read again, and what a request may ask."""

import json

import httpx
import openai
import pytest
from openai import OpenAI

from gpts.knowledge.documents import Citation
from gpts.runs.steps import Approval, ApprovalRequest, FileRef, ModelReply, ToolCall, UserMessage
from tests.publishing import publish
from tests.web.api.conftest import ANSWER, CITATION, QUOTE, bearer, key_of
from tests.web.api.responses_scene import Strict, checked, checked_events, kinds, use
from tests.web.api.test_functions import BERN, OSLO
from tests.web.api.test_openai_client import client_of, wait_for_status
from web.builder.services import update_gpt
from web.runs import log, services
from web.runs.deletion import KEEP_RESPONSES, KEEP_TRANSIENT, forget_transient
from web.runs.models import Conversation, Run

pytestmark = pytest.mark.process
QUESTION = "Which seal fits?"
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather now.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": True,
}
MESSAGE_EVENTS = [
    *("output_item.added", "content_part.added", "output_text.delta", "output_text.annotation.added"),
    *("output_text.done", "content_part.done", "output_item.done"),
]


@pytest.fixture
def bobs(live, bob) -> OpenAI:
    return client_of(live, key_of(bob))


def asked(worker) -> UserMessage:
    first = log.read(worker.run_id)[0]
    assert isinstance(first, UserMessage)
    return first


def test_a_program_that_asks_for_no_searches_gets_pages_as_sources_and_no_other_item(bobs, gpt, worker, meanwhile):
    meanwhile(worker.answer)
    [message] = checked(bobs.responses.create(model=gpt.slug, input=QUESTION)).output
    [cited] = message.content[0].annotations
    assert (cited.type, cited.title, cited.to_dict()["quote"]) == ("url_citation", "manual.pdf", QUOTE)
    assert cited.url.startswith("http")


def test_a_whole_response_has_the_search_the_answer_and_its_citations(bobs, gpt, worker, meanwhile):
    meanwhile(worker.answer)
    include = ["file_search_call.results"]
    response = checked(bobs.responses.create(model=gpt.slug, input=QUESTION, include=include, metadata={"a": "b"}))

    search, message = response.output
    assert (search.queries, search.results[0].text, search.results[0].filename) == (["q"], QUOTE, "manual.pdf")
    assert response.output_text == ANSWER
    [cited] = message.content[0].annotations
    assert (cited.type, cited.filename, cited.file_id) == ("file_citation", "manual.pdf", "f1")
    shown = cited.to_dict()
    assert (shown["quote"], shown["page"]) == (QUOTE, 7)
    assert ANSWER[shown["start_index"] : shown["end_index"]] == shown["text"] == "The seal is ZP-771."
    assert (response.status, response.model, response.metadata) == ("completed", gpt.slug, {"a": "b"})
    assert (response.usage.input_tokens, response.usage.output_tokens) == (40, 9)
    assert (response.temperature, response.store, response.guildhall["coverage"]) == (0.2, True, "covered")

    assert bobs.responses.retrieve(response.id).to_dict() == response.to_dict()
    [given] = bobs.responses.input_items.list(response.id).data
    assert (given.role, given.content[0].text) == ("user", QUESTION)
    bobs.responses.delete(response.id)
    with pytest.raises(openai.NotFoundError):
        bobs.responses.retrieve(response.id)
    assert Conversation.objects.get().deleted


def test_the_stream_has_every_event_in_order_and_can_be_read_again(bobs, gpt, worker, meanwhile):
    def reason_and_answer() -> None:
        worker.take()
        worker.retrieve()
        for piece in ("Which ", "seal?"):
            worker.reason(piece)
        worker.write("The seal is ", "ZP-771.", " Fit it", " dry.\n")
        worker.finish(reasoning="Which seal?", reasoning_tokens=4)

    meanwhile(reason_and_answer)
    include = ["file_search_call.results"]
    events = checked_events(bobs.responses.create(model=gpt.slug, input=QUESTION, stream=True, include=include))

    assert events[0].sequence_number == 0
    assert kinds(events) == [
        *("created", "in_progress", "output_item.added", "file_search_call.in_progress"),
        *("file_search_call.searching", "file_search_call.completed", "output_item.done", "output_item.added"),
        *("reasoning_summary_part.added", "reasoning_summary_text.delta", "reasoning_summary_text.done"),
        *("reasoning_summary_part.done", "output_item.done", *MESSAGE_EVENTS, "completed"),
    ]
    deltas = [event for event in events if event.type == "response.output_text.delta"]
    assert "".join(event.delta for event in deltas) == ANSWER
    whole = checked(events[-1].response)
    assert [item.type for item in whole.output] == ["file_search_call", "reasoning", "message"]
    assert whole.output[1].summary[0].text == "Which seal?"
    assert whole.usage.output_tokens_details.reasoning_tokens == 4
    done = [event.item.id for event in events if event.type == "response.output_item.done"]
    assert done == [item.id for item in whole.output]
    assert bobs.responses.retrieve(whole.id).to_dict() == whole.to_dict()
    assert whole.output[0].results[0].text == QUOTE

    missed = list(bobs.responses.retrieve(whole.id, stream=True, starting_after=7))
    assert [event.to_dict() for event in missed] == [event.to_dict() for event in events[8:]]
    assert list(bobs.responses.retrieve(whole.id, stream=True, starting_after=999))[-1].response.output_text == ANSWER


def test_pieces_arrive_while_the_model_is_still_writing(bobs, gpt, worker, meanwhile):
    def begin() -> None:
        worker.take()
        worker.write("The seal is ")

    meanwhile(begin)
    events = iter(bobs.responses.create(model=gpt.slug, input=QUESTION, stream=True))
    assert [next(events).type for _ in range(4)][-1] == "response.content_part.added"
    assert next(events).delta == "The seal is"
    meanwhile(worker.finish)
    assert list(events)[-1].response.output_text == ANSWER


@pytest.mark.parametrize("streams", [False, True])
def test_what_the_gpts_own_tools_did_are_items_of_their_kinds(bobs, gpt, worker, meanwhile, monkeypatch, streams):
    update_gpt(gpt, {"capabilities": ["web_browsing", "code_interpreter", "image_generation"]}, by=gpt.owner)
    publish(gpt)
    page = Citation(**CITATION.model_dump() | {"file_id": "", "url": "https://a.example/x", "file_name": "A page"})

    def work() -> None:
        worker.take()
        run = Run.objects.get(id=worker.run_id)
        picture = services.files.keep(run, "fox.png", b"\x89PNG\r\n\x1a\n...", untrusted=False)
        table = FileRef(id="f9", name="sums.csv")
        use(worker, "web_search", {"query": "seals"}, "Found.", urls=("https://a.example/x",))
        use(worker, "open_page", {"url": "https://a.example/x"}, "A page.")
        use(worker, "code_interpreter", {"code": "print(1)"}, "1", files=(table,))
        use(worker, "make_image", {"prompt": "a fox", "size": "512x512"}, "Made.", files=(picture,))
        use(worker, "list_parts", {"n": 1}, "It failed.", ok=False)
        worker.finish(citations=(page,))

    meanwhile(work)
    include = ["web_search_call.action.sources", "code_interpreter_call.outputs"]
    options = {"model": gpt.slug, "input": QUESTION, "include": include}
    if streams:
        events = checked_events(bobs.responses.create(**options, stream=True))
        response = events[-1].response
        assert [event.item.to_dict() for event in events if event.type == "response.output_item.done"] == [
            item.to_dict() for item in response.output
        ]
        seen = {kind.split(".")[0] for kind in kinds(events)}
        assert {"web_search_call", "code_interpreter_call_code", "image_generation_call", "mcp_call_arguments"} < seen
        assert "mcp_call.failed" in kinds(events)
    else:
        response = bobs.responses.create(**options)
    search, opened, code, picture, failed, message = checked(response).output
    assert (search.action.query, search.action.sources[0].url) == ("seals", "https://a.example/x")
    assert opened.action.url == "https://a.example/x"
    assert (code.code, code.outputs[0].logs) == ("print(1)", "1")
    assert (picture.revised_prompt, picture.output_format, picture.size) == ("a fox", "png", "512x512")
    assert picture.result.startswith("iVBORw0KGgo")
    assert (failed.name, json.loads(failed.arguments), failed.output) == ("list_parts", {"n": 1}, None)
    assert failed.error.content[0]["text"] == "It failed."
    web, *made = message.content[0].annotations
    assert (web.type, web.url, web.title) == ("url_citation", "https://a.example/x", "A page")
    assert {(each.type, each.filename) for each in made} == {
        ("container_file_citation", "sums.csv"),
        ("container_file_citation", "fox.png"),
    }


@pytest.mark.parametrize("streams", [False, True])
def test_functions_are_called_and_their_outputs_continue_the_response(bobs, gpt, worker, meanwhile, streams):
    def call() -> None:
        worker.take()
        worker.write("Let me ask. ")
        worker.ask_caller(BERN, OSLO, text="Let me ask.")

    meanwhile(call)
    options = {"model": gpt.slug, "tools": [WEATHER]}
    if streams:
        events = checked_events(bobs.responses.create(**options, input=QUESTION, stream=True))
        first = events[-1].response
        assert kinds(events)[-5:] == [
            *("output_item.added", "function_call_arguments.delta", "function_call_arguments.done"),
            *("output_item.done", "completed"),
        ]
    else:
        first = bobs.responses.create(**options, input=QUESTION)
    said, bern, oslo = checked(first).output
    assert (said.content[0].text, said.phase) == ("Let me ask.", "commentary")
    assert [json.loads(each.arguments) for each in (bern, oslo)] == [BERN.arguments, OSLO.arguments]
    assert asked(worker).overrides.tools[0].name == "get_weather"

    meanwhile(worker.answer)
    results = [{"type": "function_call_output", "call_id": each.call_id, "output": "7 °C"} for each in (bern, oslo)]
    second = bobs.responses.create(**options, input=results, previous_response_id=first.id)
    assert (second.output_text, second.previous_response_id) == (ANSWER, first.id)
    message = asked(worker)
    assert message.text == QUESTION
    assert [each.role for each in message.later] == ["assistant", "tool", "tool"]
    assert (message.later[0].content, len(message.later[0].tool_calls)) == ("Let me ask.", 2)
    assert message.replies_label is not None
    assert [item.output for item in bobs.responses.input_items.list(second.id).data] == ["7 °C"] * 2

    meanwhile(worker.answer)  # agents send everything again, the items as they got them
    history = [{"role": "user", "content": QUESTION}, *[item.to_dict() for item in first.output], *results]
    bobs.responses.create(**options, input=history)
    assert asked(worker).later == message.later
    assert asked(worker).replies_label is not None


def test_functions_of_a_namespace_are_called_by_both_names(bobs, gpt, worker, meanwhile):
    """As coding agents send them (Codex)."""
    own = {"type": "function", "name": "get_weather", "description": "Another.", "strict": False}
    outside = {"type": "namespace", "name": "outside", "description": "What is out there.", "tools": [WEATHER]}
    options = {"model": gpt.slug, "tools": [own, outside]}

    def call() -> None:
        worker.take()
        worker.ask_caller(BERN.model_copy(update={"name": "outside__get_weather"}), OSLO)

    meanwhile(call)
    events = checked_events(bobs.responses.create(**options, input=QUESTION, stream=True))
    first = events[-1].response
    bern, oslo = checked(first).output
    assert (bern.name, bern.namespace) == ("get_weather", "outside")
    assert (oslo.name, oslo.namespace) == ("get_weather", None)
    assert first.tools[1].tools[0].name == "get_weather"
    known = asked(worker).overrides.tools
    assert [tool.name for tool in known] == ["get_weather", "outside__get_weather"]
    described = f"{WEATHER['description']}\n\nWhat is out there."
    assert [tool.description for tool in known] == ["Another.", described]

    meanwhile(worker.answer)
    results = [{"type": "function_call_output", "call_id": each.call_id, "output": "7 °C"} for each in (bern, oslo)]
    history = [{"role": "user", "content": QUESTION}, *[item.to_dict() for item in first.output], *results]
    assert bobs.responses.create(**options, input=history).output_text == ANSWER
    calls = asked(worker).later[0].tool_calls
    assert [each.name for each in calls] == ["outside__get_weather", "get_weather"]
    assert asked(worker).replies_label is not None


def test_the_next_response_is_the_next_turn_and_any_other_a_fork(bobs, gpt, worker, meanwhile):
    meanwhile(worker.answer)
    first = bobs.responses.create(model=gpt.slug, input=QUESTION, instructions="Answer in French.")
    assert first.instructions == "Answer in French."
    assert asked(worker).overrides.instructions == "Instructions from the caller: Answer in French."

    meanwhile(worker.answer)
    second = bobs.responses.create(input="And for the Z-8?", previous_response_id=first.id)
    assert Conversation.objects.count() == 1
    assert (asked(worker).text, asked(worker).earlier) == ("And for the Z-8?", ())
    assert len(services.history(Run.objects.get(id=worker.run_id))) == 1
    assert (second.instructions, asked(worker).overrides.instructions) == (None, "")

    meanwhile(worker.answer)
    fork = bobs.responses.create(model=gpt.slug, input="And for the Z-7?", previous_response_id=first.id)
    assert Conversation.objects.count() == 2
    message = asked(worker)
    assert [(each.role, each.content) for each in message.earlier] == [("user", QUESTION), ("assistant", ANSWER)]
    assert message.replies_label is not None
    assert [each.content[0].text for each in bobs.responses.input_items.list(fork.id).data] == ["And for the Z-7?"]

    meanwhile(worker.answer)  # as Vercel's SDK does it
    reference = {"type": "item_reference", "id": fork.output[-1].id}
    bobs.responses.create(model=gpt.slug, input=[{"role": "user", "content": "Hi"}, reference, *[QUESTION_ITEM]])
    assert [each.content for each in asked(worker).earlier] == ["Hi", ANSWER]
    assert asked(worker).replies_label is not None
    bobs.responses.delete(first.id)
    assert bobs.responses.retrieve(second.id).previous_response_id is None
    assert not Conversation.objects.exclude(deleted=None).exists()


QUESTION_ITEM = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": QUESTION}]}


@pytest.mark.parametrize("streams", [False, True])
def test_a_call_that_waits_for_a_person_is_an_approval_item(live, bob, gpt, worker, meanwhile, streams):
    bobs, approver = client_of(live, key_of(bob)), client_of(live, key_of(bob, may_approve=True))

    def ask_person() -> None:
        worker.take()
        worker.retrieve()
        worker.ask_person()

    meanwhile(ask_person)
    if streams:
        first = checked_events(bobs.responses.create(model=gpt.slug, input=QUESTION, stream=True))[-1].response
    else:
        first = bobs.responses.create(model=gpt.slug, input=QUESTION)
    [request] = checked(first).output  # the search is told only to those who ask for it
    assert (request.type, request.name) == ("mcp_approval_request", "send_mail")
    assert f"/runs/{worker.run_id}/" in request.to_dict()["guildhall"]["url"]
    assert (first.status, bobs.responses.retrieve(first.id).to_dict()) == ("completed", first.to_dict())

    answer = [{"type": "mcp_approval_response", "approval_request_id": request.id, "approve": True}]
    options = {"model": gpt.slug, "input": answer, "previous_response_id": first.id}
    with pytest.raises(openai.PermissionDeniedError) as refused:
        bobs.responses.create(**options)
    assert refused.value.code == "key_cannot_approve"
    more = [{"role": "user", "content": "And tell me."}]
    with pytest.raises(openai.BadRequestError, match="comes first"):
        approver.responses.create(**options | {"input": [*answer, *more]})
    assert Run.objects.get().status == "requires_action"

    def send() -> None:
        assert worker.next_run() == worker.run_id
        worker.retake()
        worker._append(
            services.log.load_step({"kind": "tool_result", "call_id": "w1", "name": "send_mail", "text": "Sent."})
        )
        worker.finish()

    meanwhile(send)
    second = approver.responses.create(**options)
    call, message = checked(second).output
    assert (call.type, call.output, call.approval_request_id) == ("mcp_call", "Sent.", request.id)
    assert message.content[0].text == ANSWER
    assert Run.objects.count() == 1
    [given] = approver.responses.input_items.list(second.id).data
    assert (given.type, given.approve) == ("mcp_approval_response", True)
    # Once a person has answered, a key that may not approve gets the rest as well.
    late = checked_events(bobs.responses.create(**options, stream=True))
    assert [item.type for item in late[-1].response.output] == ["mcp_call", "message"]
    assert first.to_dict() == bobs.responses.retrieve(first.id).to_dict()
    meanwhile(worker.answer)  # agents send it all again
    history = [*more, request.to_dict(), *answer, *(item.to_dict() for item in second.output), *more]
    assert bobs.responses.create(model=gpt.slug, input=history).output_text == ANSWER
    assert [each.content for each in asked(worker).earlier] == ["And tell me.", ANSWER]


def test_a_call_that_is_asked_about_twice_is_answered_twice(live, bob, gpt, worker, meanwhile):
    def ask(digest: str) -> None:
        worker._append(ApprovalRequest(call_id="w1", name="send_mail", digest=digest * 64))
        log.hand_over(worker.run_id, worker.lease)

    def ask_first() -> None:
        worker.take()
        worker._append(ModelReply(text="", tool_calls=(ToolCall(call_id="w1", name="send_mail", arguments={}),)))
        ask("d")

    def ask_again() -> None:
        worker.next_run()
        worker.retake()
        ask("e")

    def finish() -> None:
        worker.next_run()
        worker.retake()
        worker.finish()

    bobs, given = client_of(live, key_of(bob, may_approve=True)), QUESTION
    for work in (ask_first, ask_again, finish):
        meanwhile(work)
        response = bobs.responses.create(model=gpt.slug, input=given)
        asked = [item for item in response.output if item.type == "mcp_approval_request"]
        given = [{"type": "mcp_approval_response", "approval_request_id": each.id, "approve": True} for each in asked]
    assert response.output_text == ANSWER
    assert [step.digest[0] for step in log.read(worker.run_id) if isinstance(step, Approval)] == ["d", "e"]


def test_a_response_in_the_background_goes_on_without_its_caller(bobs, gpt, worker, meanwhile):
    queued = checked(bobs.responses.create(model=gpt.slug, input=QUESTION, background=True))
    assert (queued.status, queued.output, queued.background, queued.usage) == ("queued", [], True, None)
    with pytest.raises(openai.BadRequestError, match="still in progress"):
        bobs.responses.create(input="And?", previous_response_id=queued.id)
    worker.take()
    worker.retrieve()
    assert bobs.responses.retrieve(queued.id).status == "in_progress"
    meanwhile(worker.finish)
    events = checked_events(bobs.responses.retrieve(queued.id, stream=True))
    assert events[-1].response.output_text == ANSWER

    stopped = bobs.responses.create(model=gpt.slug, input=QUESTION, background=True)
    assert bobs.responses.cancel(stopped.id).status == "cancelled"
    assert bobs.responses.cancel(queued.id).status == "completed"

    streamed = bobs.responses.create(model=gpt.slug, input=QUESTION, background=True, stream=True)
    begun = next(iter(streamed)).response
    streamed.close()
    assert bobs.responses.retrieve(begun.id).status == "queued"


def test_what_must_not_be_stored_is_gone_once_it_is_delivered(bobs, gpt, worker, meanwhile):
    for streams in (False, True):
        meanwhile(worker.answer)
        made = bobs.responses.create(model=gpt.slug, input=QUESTION, store=False, stream=streams)
        response = list(made)[-1].response if streams else made
        assert (response.output_text, response.store) == (ANSWER, False)
        with pytest.raises(openai.NotFoundError):
            bobs.responses.retrieve(response.id)
        with pytest.raises(openai.NotFoundError):
            bobs.responses.create(model=gpt.slug, input="And?", previous_response_id=response.id)
    assert not Conversation.objects.filter(deleted=None).exists()
    with pytest.raises(openai.BadRequestError, match="must be stored"):
        bobs.responses.create(model=gpt.slug, input=QUESTION, store=False, background=True)


def test_a_caller_who_leaves_stops_the_run(bobs, gpt, worker):
    events = bobs.responses.create(model=gpt.slug, input=QUESTION, stream=True)
    next(iter(events))
    events.close()
    wait_for_status("cancelled")


def test_the_same_idempotency_key_gets_the_same_response(bobs, gpt, worker, meanwhile):
    meanwhile(worker.answer)
    options = {"model": gpt.slug, "input": QUESTION, "extra_headers": {"Idempotency-Key": "k1"}}
    first = bobs.responses.create(**options)
    assert bobs.responses.create(**options).id == first.id
    assert Run.objects.count() == 1


def test_an_answer_in_json_is_parsed_by_the_client(bobs, gpt, worker, meanwhile):
    def answer() -> None:
        worker.take()
        worker.finish('{"city": "Bern", "degrees": 7}', ())

    meanwhile(answer)
    parsed = bobs.responses.parse(model=gpt.slug, input=QUESTION, text_format=Strict)
    assert parsed.output_parsed == Strict(city="Bern", degrees=7)
    assert asked(worker).overrides.answer_schema["properties"]["degrees"]["type"] == "integer"


def test_a_reply_cut_short_is_incomplete(bobs, gpt, worker, meanwhile):
    def cut() -> None:
        worker.take()
        worker.write("The seal")
        worker.finish("The seal", (), "length")

    meanwhile(cut)
    *_, last = checked_events(bobs.responses.create(model=gpt.slug, input=QUESTION, max_output_tokens=5, stream=True))
    assert (last.type, last.response.incomplete_details.reason) == ("response.incomplete", "max_output_tokens")
    assert (last.response.output[0].status, last.response.max_output_tokens) == ("incomplete", 5)
    assert asked(worker).overrides.max_tokens == 5


def test_a_failed_run_is_an_error_or_the_last_event(bobs, gpt, worker, meanwhile):
    def fail() -> None:
        worker.take()
        worker.write("The seal")
        worker.fail("The model is gone.")

    meanwhile(fail)
    with pytest.raises(openai.InternalServerError, match=r"The model is gone\."):
        bobs.responses.create(model=gpt.slug, input=QUESTION)
    meanwhile(fail)
    *_, last = checked_events(bobs.responses.create(model=gpt.slug, input=QUESTION, stream=True))
    assert (last.type, last.response.error.message) == ("response.failed", "The model is gone.")
    assert bobs.responses.retrieve(last.response.id).status == "failed"


def test_a_reply_that_is_written_anew_and_differs_ends_the_stream(bobs, gpt, worker, meanwhile):
    def rewrite() -> None:
        worker.take()
        worker.write("The seal")
        worker.retake()
        worker.write("Another seal")

    meanwhile(rewrite)
    *_, last = bobs.responses.create(model=gpt.slug, input=QUESTION, stream=True)
    assert (last.type, last.code) == ("error", "answer_rewritten")


def test_naming_tools_of_the_gpt_only_narrows_it(bobs, gpt, worker, meanwhile):
    update_gpt(gpt, {"capabilities": ["web_browsing", "code_interpreter"]}, by=gpt.owner)
    publish(gpt)

    def own_tools(**options) -> tuple:
        meanwhile(worker.answer)
        bobs.responses.create(model=gpt.slug, input=QUESTION, **options)
        return asked(worker).overrides.own_tools, asked(worker).overrides.tool_choice

    assert own_tools() == (None, "auto")
    assert own_tools(tools=[WEATHER]) == (None, "auto")
    search, code = {"type": "web_search"}, {"type": "code_interpreter", "container": {"type": "auto"}}
    assert own_tools(tools=[search, WEATHER]) == (("web_search", "open_page"), "auto")
    assert own_tools(tools=[code], tool_choice={"type": "code_interpreter"}) == (
        ("code_interpreter",),
        "code_interpreter",
    )
    assert own_tools(tools=[WEATHER], tool_choice={"type": "function", "name": "get_weather"}) == (
        None,
        "get_weather",
    )
    assert own_tools(tool_choice="none") == ((), "none")
    some = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "web_search"}]}
    assert own_tools(tools=[search, code], tool_choice=some) == (("web_search", "open_page"), "required")


def test_compaction_is_refused_by_name(bobs, gpt):
    with pytest.raises(openai.NotFoundError, match="oldest items") as refused:
        bobs.responses.compact(model=gpt.slug, input=QUESTION)
    assert refused.value.code == "unsupported_endpoint"


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        ({"tools": [{"type": "image_generation"}]}, "tools.0.type"),
        ({"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}, "tools.0.type"),
        ({"tools": [{"type": "web_search", "filters": {"allowed_domains": ["a.example"]}}]}, "tools.0.filters"),
        ({"tools": [{"type": "mcp", "server_label": "x", "server_url": "https://a.example"}]}, "tools.0.server_url"),
        ({"tools": [{"type": "mcp", "server_label": "x", "authorization": "secret"}]}, "tools.0.authorization"),
        ({"tools": [{"type": "computer_use_preview"}]}, "tools.0"),
        ({"tools": [WEATHER, WEATHER]}, "tools.1.name"),
        ({"tools": [{"type": "namespace", "name": "n" * 60, "tools": [WEATHER]}]}, "tools"),
        ({"tools": [{**WEATHER, "parameters": {"type": "array"}}]}, "tools.0.parameters.type"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tools": [WEATHER], "tool_choice": {"type": "function", "name": "other"}}, "tool_choice.name"),
        ({"text": {"format": {"type": "json_schema", "name": "a", "schema": {"not": 1}}}}, "text.format.schema.not"),
        ({"input": None}, "input"),
        ({"input": [{"type": "computer_call"}]}, "input.0"),
        ({"input": [{"type": "function_call_output", "call_id": "a", "output": "7"}]}, "input"),
        ({"input": [{"type": "function_call", "name": "a", "arguments": "{}"}]}, "input.0.call_id"),
        ({"input": [{"type": "mcp_approval_response", "approve": True}]}, "input"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"previous_response_id": "resp_1", "conversation": "conv_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, None),
        ({"max_tool_calls": 3}, "max_tool_calls"),
        ({"n": 2}, "n"),
        ({"stop": ["."]}, "stop"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"metadata": {"a": "x" * 513}}, "metadata.a"),
        ({"model": None}, "model"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_with_its_place(live, gpt, bob, request_, param):
    body = {"model": gpt.slug, "input": QUESTION, **request_}
    headers = {"Authorization": f"Bearer {key_of(bob)}"}
    answer = httpx.post(f"{live}/v1/responses", headers=headers, json=body, timeout=20)
    assert answer.status_code in (400, 404), answer.text
    assert answer.json()["error"]["param"] == param
    assert not Run.objects.exists()


def test_nobody_else_reads_continues_or_approves_a_response(live, bob, charlie, gpt, worker, meanwhile):
    def ask_person() -> None:
        worker.take()
        worker.ask_person()

    meanwhile(ask_person)
    first = client_of(live, key_of(bob)).responses.create(model=gpt.slug, input=QUESTION)
    charlies = client_of(live, key_of(charlie, may_approve=True))
    given = {"type": "mcp_approval_response", "approval_request_id": first.output[-1].id, "approve": True}
    for tried in (
        lambda: charlies.responses.retrieve(first.id),
        lambda: charlies.responses.cancel(first.id),
        lambda: charlies.responses.delete(first.id),
        lambda: charlies.responses.input_items.list(first.id),
        lambda: charlies.responses.create(model=gpt.slug, input="And?", previous_response_id=first.id),
        lambda: charlies.responses.create(model=gpt.slug, input=[given]),
        lambda: charlies.responses.create(
            model=gpt.slug, input=[{"type": "item_reference", "id": first.output[-1].id}]
        ),
    ):
        with pytest.raises(openai.NotFoundError):
            tried()
    assert Run.objects.get().status == "requires_action"


def test_old_responses_are_forgotten_after_thirty_days(bob, gpt):
    for origin, is_kept in (("api", False), ("response", True), ("kept", True)):
        conversation = services.start_conversation(bob, gpt, origin)
        services.cancel_run(services.start_run(conversation, QUESTION))
        old = conversation.created - KEEP_RESPONSES + KEEP_TRANSIENT
        Conversation.objects.filter(id=conversation.id).update(changed=old)
        forget_transient()
        assert Conversation.objects.filter(id=conversation.id).exists() is is_kept
        Conversation.objects.filter(id=conversation.id).update(changed=old - KEEP_RESPONSES)
        forget_transient()
        assert Conversation.objects.filter(id=conversation.id).exists() is (origin == "kept")


def test_the_old_client_view_is_not_broken_by_unknown_fields(bob, gpt):
    answer = bearer(key_of(bob)).post("/v1/responses", {"model": "nobody"}, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
