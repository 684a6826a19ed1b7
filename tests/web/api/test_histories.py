"""Conversations as agents really send them are read; what the model gets of them keeps each call with its result."""

import base64

import pytest

from gpts.runs.messages import MessageCall, PromptMessage
from web.api.completions import CompletionRequest
from web.api.errors import ApiError
from web.api.messages import ProgramMessage

USER = {"role": "user", "content": "Which seal?"}
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()


def read(*messages: dict, **more) -> ProgramMessage:
    return CompletionRequest(model="m", messages=list(messages), **more).message()


def call(arguments: str = "{}", call_id: str = "a") -> dict:
    function = {"name": "look", "arguments": arguments}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": call_id, "type": "function", "function": function}],
    }


def result(content="7", call_id="a") -> dict:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("", {}), (" ", {}), ('{"a": 1}', {"a": 1}), ("[1]", {"arguments": [1]}), ("{city", {"arguments": "{city"})],
)
def test_arguments_that_are_no_object_are_kept_as_one(sent, kept):
    [asked, _] = read(USER, call(sent), result()).later
    assert asked.tool_calls == (MessageCall(call_id="a", name="look", arguments=kept),)


def test_what_nobody_sees_is_read_of_no_message_of_the_user():
    told = read({"role": "user", "content": "Hi.\U000e0041"}, {"role": "assistant", "content": "Hello."}, USER)
    assert [each.content for each in told.earlier] == ["Hi.", "Hello."]


REMINDER = {"type": "text", "text": "<system-reminder>\nNo tasks.\n</system-reminder>\n"}
ASKED = {"type": "text", "text": "Which seal?"}


@pytest.mark.parametrize(
    "sent",
    [
        [{"role": "user", "content": [REMINDER, ASKED]}],
        [{"role": "user", "content": [ASKED, REMINDER]}],
        [{"role": "user", "content": [ASKED]}, call(), result(), {"role": "user", "content": [REMINDER]}],
    ],
)
def test_reminders_of_coding_agents_are_no_question_wherever_they_stand(sent):
    read_so = read(*sent)
    assert read_so.text == ASKED["text"]
    assert [each.content for each in (*read_so.earlier, *read_so.later) if each.role == "user"] == [REMINDER["text"]]


def test_a_reminder_alone_is_the_question():
    assert read({"role": "user", "content": [REMINDER]}).text == REMINDER["text"]


def test_every_result_has_a_call_before_it_and_every_call_a_result():
    sent = read(
        result(call_id="gone"), USER, call(), result(), result("8"), {"role": "function", "name": "f", "content": "9"}
    )
    [made, orphan] = sent.earlier
    assert (made.tool_calls[0].name, orphan.content) == ("tool", "7")
    roles = [(each.role, each.content, each.name) for each in sent.later]
    assert roles == [
        ("assistant", "", ""),
        ("tool", "7", "look"),
        ("assistant", "", ""),
        ("tool", "8", "look"),
        ("assistant", "", ""),
        ("tool", "9", "f"),
    ]
    calls = [made.call_id for each in sent.later for made in each.tool_calls]
    assert calls == [each.call_id for each in sent.later if each.role == "tool"]
    assert len(set(calls)) == 3
    [_, missing] = read(USER, call()).later
    assert missing == PromptMessage(role="tool", content="(This call has no result.)", name="look", call_id="a")
    legacy = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}
    [asked, answered] = read(USER, legacy, {"role": "function", "name": "f", "content": "9"}).later
    assert (asked.tool_calls[0].call_id, answered.content) == (answered.call_id, "9")


def test_empty_messages_an_answer_that_has_begun_and_instructions_alone_are_read():
    begun = {"role": "assistant", "content": "The seal is"}
    sent = read({"role": "assistant", "content": None}, {"role": "user", "content": None}, USER, begun)
    assert (sent.text, sent.earlier) == ("Which seal?", [])
    assert sent.later == [PromptMessage(role="assistant", content="The seal is")]
    assert read({"role": "system", "content": "Greet me."}).text == "Greet me."
    told = read({"role": "developer", "content": "Be brief."}, USER, result("", "x"))
    assert [each.content for each in told.earlier] == ["Instructions from the caller: Be brief."]
    assert [each.role for each in told.later] == ["assistant", "tool"]
    with pytest.raises(ApiError, match="has a text"):
        read({"role": "assistant", "content": "Hello"}, {"role": "user", "content": " "})


def test_parts_before_the_last_text_are_messages_before_the_question():
    reminder = {"type": "text", "text": "<system-reminder>Be brief.</system-reminder>"}
    parts = [reminder, {"type": "text", "text": " "}, {"type": "text", "text": "Which seal?"}]
    sent = read({"role": "user", "content": parts}, call(), result())
    assert [(each.role, each.content) for each in sent.earlier] == [("user", reminder["text"])]
    assert (sent.text, len(sent.later)) == ("Which seal?", 2)
    again = read({"role": "user", "content": parts}, {"role": "assistant", "content": "ZP-771."}, USER)
    assert [each.content for each in again.earlier] == [reminder["text"], "Which seal?", "ZP-771."]


def test_reasoning_stays_only_with_the_calls_that_it_led_to():
    thought = {**call(), "reasoning_content": "Hm."}
    before = read(USER, thought, result(), USER)
    assert [each.reasoning for each in before.earlier] == ["", "", ""]
    assert read(USER, thought, result()).later[0].reasoning == "Hm."


def test_files_in_the_parts_of_any_message_come_with_the_question():
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}}
    page = {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PNG}"}}
    known = {"type": "file", "file": {"file_id": "file-5f0e3c1e9a5b4c7d8e9f0a1b2c3d4e5f"}}
    sent = read(
        {"role": "user", "content": [image]},
        {"role": "user", "content": [page, known, {"type": "text", "text": "What?"}]},
    )
    assert (sent.text, sent.earlier) == ("What?", [])
    assert [file.name for file in sent.files] == ["file.png", "a.pdf", ""]
    assert sent.files[0].data == base64.b64decode(PNG)
    assert sent.files[2].id is not None
    assert read({"role": "user", "content": [image]}).text == ""


@pytest.mark.parametrize(
    ("part", "place", "words"),
    [
        ({"type": "image_url", "image_url": {"url": "http://evil.example/a.png"}}, "image_url.url", "https URLs"),
        ({"type": "image_url", "image_url": "HTTP://169.254.169.254/"}, "image_url.url", "https URLs"),
        ({"type": "file", "file": {"file_data": "https://evil.example/a.pdf"}}, "file.file_data", "Only pictures"),
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,?"}}, "image_url.url", "no|not"),
        ({"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}, "image_url.url", "not a data URL"),
        ({"type": "image_url"}, "image_url", "no data"),
        ({"type": "file", "file": {"file_id": "file-x"}}, "file.file_id", "not found"),
        ({"type": "file", "file": {"filename": "x"}}, "file", "no data"),
        ({"type": "input_audio", "input_audio": {"data": "x"}}, "type", "Audio"),
        ({"type": "video"}, "type", "not supported"),
    ],
)
def test_parts_that_cannot_be_read_are_refused_with_their_place(part, place, words):
    with pytest.raises(ApiError, match=words) as refused:
        read({"role": "user", "content": [{"type": "text", "text": "See"}, part]})
    assert refused.value.problem.field == f"messages.0.content.1.{place}"
    assert refused.value.problem.status in (400, 404)


def test_only_requests_without_functions_or_calls_are_side_tasks():
    ask = {"role": "user", "content": "Generate a title for this conversation. Return only the title."}
    assert read(USER, ask).is_side_task
    assert not read(USER).is_side_task
    assert not read(ask, call(), result()).is_side_task
    tool = {"type": "function", "function": {"name": "look"}}
    assert not read(USER, ask, tools=[tool]).is_side_task
