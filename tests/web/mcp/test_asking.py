"""A GPT as a tool, called with the official SDK's client: answers, conversations, progress and cancellation."""

import asyncio

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError

from gpts.runs.steps import FileRef
from gpts.safety.labels import untrusted
from tests.publishing import publish
from tests.web.api.conftest import ANSWER, QUOTE, key_of
from tests.web.mcp.conftest import TOOL, Program
from web.builder.services import update_gpt
from web.runs import files, services
from web.runs.connections import in_database
from web.runs.models import Conversation, Run


def test_a_gpt_is_a_tool_with_its_description_and_schemas(bobs):
    listed = bobs.run(lambda client: client.list_tools())
    (tool,) = listed.tools
    assert (tool.name, tool.title) == (TOOL, "Pump Doctor")
    assert tool.description.startswith("Ask Pump Doctor, a GPT by Alice.")
    assert set(tool.input_schema["properties"]) == {"question", "conversation", "inputs", "run"}
    assert {"answer", "citations", "label", "conversation"} <= set(tool.output_schema["properties"])
    assert tool.annotations.read_only_hint


def test_an_answer_comes_as_text_and_with_its_sources_and_label(bobs, worker, meanwhile):
    meanwhile(worker.answer)
    result = bobs.ask()
    run = Run.objects.get(id=worker.run_id)
    assert not result.is_error
    assert result.content[0].text == f"{ANSWER}\n\nSources:\n[1] manual.pdf, page 7: “{QUOTE}”"
    told = result.structured_content
    assert (told["answer"], told["coverage"], told["gpt"]) == (ANSWER, "covered", "pump-doctor")
    assert told["label"] == {"untrusted": False, "written_by": []}
    (citation,) = told["citations"]
    assert (citation["file"], citation["page"], citation["quote"]) == ("manual.pdf", 7, QUOTE)
    assert ANSWER[citation["start"] : citation["end"]] == "The seal is ZP-771."
    assert result.content[1].uri == citation["uri"]
    assert f"/runs/{run.id}/" in citation["url"]
    passage = bobs.run(lambda client: client.read_resource(citation["uri"])).contents[0]
    assert passage.text == QUOTE
    assert run.message.conversation.origin == Conversation.Origin.API


def test_a_conversation_goes_on_with_its_id(bobs, worker, meanwhile, conversation):
    meanwhile(worker.answer)
    first = bobs.ask().structured_content
    meanwhile(worker.answer)
    second = bobs.ask("And which filter?", more={"conversation": first["conversation"]}).structured_content
    assert second["conversation"] == first["conversation"]
    assert len(services.history(Run.objects.get(id=second["run"]))) == 1
    refused = bobs.ask("Hello", more={"conversation": str(conversation.id)})  # a chat on the page
    assert refused.is_error
    assert "Conversation not found" in refused.content[0].text


def test_what_a_model_can_correct_is_an_error_in_the_result(bobs, worker, meanwhile, settings):
    assert bobs.ask(" ").content[0].text == "Enter a question."
    assert "conversation: " in bobs.ask("Hello", more={"conversation": "x"}).content[0].text
    assert "nothing: Extra inputs" in bobs.ask("Hello", more={"nothing": 1}).content[0].text
    meanwhile(lambda: (worker.take(), worker.fail("The model is away.")))
    failed = bobs.ask()
    assert (failed.is_error, failed.content[0].text) == (True, "The model is away.")
    settings.MAX_ACTIVE_RUNS = 0
    assert "limit of 0 answers in progress" in bobs.ask().content[0].text
    assert Conversation.objects.filter(origin="api").count() == 1
    for name in ("ask_nobody", "pump-doctor"):
        with pytest.raises(MCPError, match="Unknown tool"):
            bobs.run(lambda client, name=name: client.call_tool(name, {"question": "Hello"}))


def test_progress_is_told_while_the_run_is_at_work(bobs, worker, meanwhile):
    seen = []
    heard = asyncio.Event()

    async def progress(done: float, total: float | None, message: str | None) -> None:
        seen.append((done, message))
        heard.set()

    def work() -> None:
        worker.take()
        worker.progress("Reading page 3")
        worker.finish()

    meanwhile(work)
    result = bobs.ask(progress=progress)
    assert result.structured_content["answer"] == ANSWER
    assert "Reading page 3" in [message for _, message in seen]
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})


def test_a_call_that_is_cancelled_stops_its_run(bobs, worker, meanwhile):
    async def leave(client: Client) -> None:
        call = asyncio.ensure_future(client.call_tool(TOOL, {"question": "Which seal?"}))
        await asyncio.to_thread(worker.take)
        call.cancel()
        for _ in range(200):
            if (await in_database(Run.objects.get, id=worker.run_id)).status == Run.Status.CANCELLED:
                return
            await asyncio.sleep(0.05)

    bobs.run(leave)
    assert Run.objects.get(id=worker.run_id).status == Run.Status.CANCELLED


def test_text_from_outside_is_marked_and_files_come_along(bobs, worker, meanwhile):
    def work() -> None:
        worker.take()
        kept = files.keep(Run.objects.get(id=worker.run_id), "chart.png", b"\x89PNG\r\n\x1a\n", False)
        worker.use_tool("", FileRef(**kept.model_dump()))
        worker.finish("It rains.", (), label=untrusted("the page weather.example"))

    meanwhile(work)
    result = bobs.ask()
    text, picture, link = result.content
    assert text.text.startswith("It rains.\n\nParts come from outside (the page weather.example).")
    assert result.structured_content["label"] == {"untrusted": True, "written_by": ["the page weather.example"]}
    assert (picture.type, picture.mime_type) == ("image", "image/png")
    assert result.structured_content["files"][0]["uri"] == link.uri
    assert bobs.run(lambda client: client.read_resource(link.uri)).contents[0].blob == picture.data


def test_others_have_neither_the_tool_nor_the_run(live, gpt, bob, charlie, worker, meanwhile):
    gpt.sharing = "me"
    gpt.save()
    stranger = Program(live, key_of(charlie), "auto")
    assert stranger.run(lambda client: client.list_tools()).tools == []
    with pytest.raises(MCPError, match="Unknown tool"):
        stranger.ask()


def test_inputs_are_named_in_the_tool_and_given_with_the_question(bobs, gpt, worker, meanwhile):
    publish(update_gpt(gpt, {"inputs": [{"name": "customer", "title": "Customer", "required": True}]}, by=gpt.owner))
    (tool,) = bobs.run(lambda client: client.list_tools()).tools
    assert tool.description.endswith("Its inputs: customer (Customer, required).")
    refused = bobs.ask("Hello")
    assert refused.is_error
    assert "Customer: " in refused.content[0].text
    meanwhile(worker.answer)
    assert not bobs.ask("Hello", more={"inputs": {"customer": "Acme"}}).is_error
    assert Run.objects.get().message.conversation.inputs == {"customer": "Acme"}
