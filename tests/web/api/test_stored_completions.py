"""Stored chat completions, by the official client: read, listed, changed and deleted by whoever had them stored."""

import openai
import pytest
from openai import OpenAI

from gpts.runs.messages import MessageCall, PromptMessage
from gpts.runs.steps import FileRef, Finished, ModelReply, UserMessage
from tests.web.api.conftest import ANSWER, key_of
from tests.web.api.official import checked, official
from web.api import stored_completions
from web.api.completions import CompletionRequest
from web.api.models import Response
from web.runs import log
from web.runs.deletion import forget_transient
from web.runs.models import Conversation, Run
from web.runs.services import Sent, start_conversation, start_run

PICTURE = "00000000-0000-0000-0000-000000000007"
QUESTION = [{"role": "user", "content": "Which seal fits?"}]


@pytest.fixture
def bobs_stored(bob, gpt, sent_tasks):
    """Stores an answer of Bob's, or several to one request."""

    def make(*texts: str, sent: Sent | None = None, **body: object) -> str:
        runs = []
        for text in texts or (ANSWER,):
            conversation = start_conversation(bob, gpt, Conversation.Origin.RESPONSE)
            run = start_run(conversation, "Which seal?", sent=sent or Sent())
            lease = log.claim(run.id)
            log.append(run.id, ModelReply(text=text, prompt_tokens=40, completion_tokens=9), lease)
            log.append(run.id, Finished(text=text), lease)
            runs.append(Run.objects.get(id=run.id))
        stored_completions.store(runs, CompletionRequest(model=gpt.slug, messages=QUESTION, store=True, **body))
        return f"chatcmpl-{runs[0].id.hex}"

    return make


@pytest.mark.process
@pytest.mark.parametrize("streams", [False, True])
def test_only_what_was_to_be_stored_can_be_read_again_as_it_was(live, bob, gpt, worker, meanwhile, streams):
    bobs = OpenAI(base_url=f"{live}/v1", api_key=key_of(bob), max_retries=0, timeout=20)
    asked = {"model": gpt.slug, "messages": QUESTION, "stream": streams}
    for stores in (True, False):
        meanwhile(worker.answer)
        made = bobs.chat.completions.create(**asked, store=stores, metadata={"team": "pumps"} if stores else None)
        [first, *_] = made if streams else [made]
        if not stores:
            with pytest.raises(openai.NotFoundError, match="store"):
                bobs.chat.completions.retrieve(first.id)
            continue
        again = checked(bobs.chat.completions.retrieve(first.id))
        assert again.metadata == {"team": "pumps"}
        assert again.choices[0].message.content == ANSWER
        assert again.usage.total_tokens == 49
        if not streams:
            assert {**again.to_dict(), "metadata": None} == {**made.to_dict(), "metadata": None}
    assert [each.id for each in bobs.chat.completions.list()] == [again.id]


@pytest.mark.django_db
def test_a_completion_with_several_answers_is_one(bob, bobs_stored):
    bobs = official(bob)
    name = bobs_stored("One seal.", "Two seals.")
    again = checked(bobs.chat.completions.retrieve(name))
    assert [(each.index, each.message.content) for each in again.choices] == [(0, "One seal."), (1, "Two seals.")]
    assert again.usage.total_tokens == 98
    assert bobs.chat.completions.delete(name).to_dict() == {
        "id": name,
        "object": "chat.completion.deleted",
        "deleted": True,
    }
    assert not Conversation.objects.filter(deleted=None).exists()
    with pytest.raises(openai.NotFoundError):
        bobs.chat.completions.retrieve(name)


@pytest.mark.django_db
def test_lists_come_in_pages_and_are_chosen_by_gpt_and_metadata(bob, bobs_stored):
    bobs = official(bob).chat.completions
    odd = {"7": "x", 'a"b.c': "ü"}
    names = [bobs_stored(metadata=each) for each in ({"team": "a"}, {"team": "b"}, odd, {"team": "a", "day": "1"})]

    assert [each.id for each in bobs.list()] == names
    assert [each.id for each in bobs.list(order="desc", limit=3)] == names[::-1]
    page = bobs.list(limit=2, after=names[0])
    assert ([each.id for each in page.data], page.has_more) == (names[1:3], True)
    assert [each.id for each in bobs.list(metadata={"team": "a"})] == [names[0], names[3]]
    assert [each.id for each in bobs.list(metadata={"team": "a", "day": "1"})] == [names[3]]
    assert [each.id for each in bobs.list(metadata=odd)] == [names[2]]
    assert [each.id for each in bobs.list(metadata={"7": "y"})] == []
    assert [each.id for each in bobs.list(model="pump-doctor")] == names
    assert [each.id for each in bobs.list(model="other")] == []
    with pytest.raises(openai.NotFoundError):
        bobs.list(after="chatcmpl-1")


@pytest.mark.django_db
def test_metadata_can_be_changed(bob, bobs_stored):
    bobs = official(bob).chat.completions
    name = bobs_stored(metadata={"team": "a"})
    assert bobs.update(name, metadata={"team": "b"}).metadata == {"team": "b"}
    assert bobs.retrieve(name).metadata == {"team": "b"}
    assert bobs.update(name, metadata=None).metadata == {}
    with pytest.raises(openai.BadRequestError) as refused:
        bobs.update(name, metadata={"k" * 65: "v"})
    assert refused.value.param.startswith("metadata")


@pytest.mark.django_db
def test_the_messages_that_were_sent_come_back_in_their_order(bob, bobs_stored):
    call = MessageCall(call_id="c1", name="forecast", arguments={"city": "Bern"})
    earlier = (
        PromptMessage(role="user", content="Instructions from the caller: Be brief."),
        PromptMessage(role="user", content="Hello"),
        PromptMessage(role="assistant", content="Hello!"),
    )
    later = (
        PromptMessage(role="assistant", content="", tool_calls=(call,)),
        PromptMessage(role="tool", content="7 °C", name="forecast", call_id="c1"),
    )
    name = bobs_stored(sent=Sent(earlier, later))
    messages = official(bob).chat.completions.messages
    said = list(messages.list(name, limit=2))
    assert [(each.role, each.content) for each in said] == [
        ("system", "Be brief."),
        ("user", "Hello"),
        ("assistant", "Hello!"),
        ("user", "Which seal?"),
        ("assistant", ""),
        ("tool", "7 °C"),
    ]
    assert said[4].tool_calls[0].function.arguments == '{"city": "Bern"}'
    assert [each.id for each in said] == [f"{name}-{n}" for n in range(6)]
    assert messages.list(name, order="desc", limit=1).data[0].tool_call_id == "c1"


def test_a_picture_is_a_part_of_its_message():
    files = (FileRef(id=PICTURE, name="a.png", mime="image/png"), FileRef(id="8", name="a.txt"))
    parts = stored_completions._parts(UserMessage(text="What is it?", attachments=files))
    assert [part["type"] for part in parts] == ["text", "image_url"]
    assert parts[1]["image_url"]["url"].endswith(f"/api/attachments/{PICTURE}")
    assert stored_completions._parts(UserMessage(text="What is it?", attachments=files[1:])) is None


@pytest.mark.django_db
def test_they_are_nobody_elses_and_no_responses_and_are_forgotten(bob, alice, bobs_stored):
    name = bobs_stored()
    for read in (
        lambda: official(alice).chat.completions.retrieve(name),
        lambda: official(alice).chat.completions.update(name, metadata={}),
        lambda: official(alice).chat.completions.delete(name),
        lambda: official(alice).chat.completions.messages.list(name),
        lambda: official(bob).responses.retrieve(f"resp_{Response.objects.get().id.hex}"),
        lambda: official(bob).chat.completions.retrieve("chatcmpl-x"),
    ):
        with pytest.raises(openai.NotFoundError):
            read()
    assert list(official(alice).chat.completions.list()) == []
    Conversation.objects.update(changed="2026-01-01T00:00Z")
    forget_transient()
    assert list(official(bob).chat.completions.list()) == []
    assert not Response.objects.exists()
