"""Trees of messages of other systems become messages with their answers, branches included."""

import io
import json
from typing import Any

import pytest

from gpts.portable import json_stream
from gpts.portable.chats import Chat, Node, branches_of, seconds
from gpts.portable.errors import NotImportable
from gpts.portable.json_stream import items_of
from gpts.portable.recognising import read_chat


def chat(*nodes: tuple[str, str | None, str, str], current: str | None = None) -> Chat:
    """A chat of nodes (id, parent, role, text)."""
    made = tuple(Node(id, parent, role, text, 1.7e9 + n) for n, (id, parent, role, text) in enumerate(nodes))  # type: ignore[arg-type]
    return Chat("ChatGPT", "c", "T", made, current)


def shape(given: Chat) -> tuple[list[tuple[str, int | None]], list[tuple[str, int]], int | None]:
    """Messages with the answers they follow, answers with their messages, and the last one shown."""
    found = branches_of(given)
    return (
        [(each.text, each.after) for each in found.messages],
        [(each.text, each.message) for each in found.answers],
        found.shown,
    )


def test_messages_and_answers_follow_each_other():
    given = chat(
        ("a", None, "user", "1"),
        ("b", "a", "assistant", "one"),
        ("c", "b", "user", "2"),
        ("d", "c", "assistant", "two"),
    )
    assert shape(given) == ([("1", None), ("2", 0)], [("one", 0), ("two", 1)], 1)


def test_what_nobody_saw_leaves_no_trace_but_keeps_the_places():
    given = chat(
        ("r", None, "", ""),
        ("s", "r", "", "system"),
        ("a", "s", "user", "1"),
        ("t", "a", "", "tool"),
        ("b", "t", "assistant", "one"),
    )
    assert shape(given) == ([("1", None)], [("one", 0)], 0)


def test_an_edited_message_and_a_regenerated_answer_are_branches():
    given = chat(
        ("a", None, "user", "1"),
        ("b", "a", "assistant", "one"),
        ("b2", "a", "assistant", "uno"),
        ("c", "b2", "user", "2"),
        ("c2", "b2", "user", "zwei"),
        ("d", "c", "assistant", "two"),
        current="d",
    )
    messages, answers, shown = shape(given)
    assert messages == [("1", None), ("2", 1), ("zwei", 1)]
    assert answers == [("one", 0), ("uno", 0), ("two", 1), ("", 2)]
    assert shown == 2


def test_several_parts_are_one_answer_and_a_fork_in_it_makes_two():
    given = chat(
        ("a", None, "user", "1"),
        ("b", "a", "assistant", "first"),
        ("c", "b", "assistant", "second"),
        ("c2", "b", "assistant", "other"),
    )
    assert shape(given)[1] == [("first\n\nsecond", 0), ("first\n\nother", 0)]


def test_what_was_never_answered_and_who_spoke_first_are_kept():
    given = chat(("a", None, "assistant", "Hello"), ("b", "a", "user", "1"), ("c", "b", "user", "2"))
    assert shape(given) == ([("", None), ("1", 0), ("2", 1)], [("Hello", 0), ("", 1), ("", 2)], 2)


@pytest.mark.parametrize(
    "nodes",
    [
        [("a", "b", "user", "1"), ("b", "a", "assistant", "one")],  # a ring
        [("a", "a", "user", "1")],  # its own parent
        [("a", "nowhere", "user", "1")],
        [("a", None, "user", "1"), ("a", None, "user", "twice")],
        [],
    ],
)
def test_trees_that_are_none_end(nodes):
    assert len(branches_of(chat(*nodes)).messages) <= 1


def test_a_long_chain_needs_no_deep_stack():
    nodes = [(f"{n}", f"{n - 1}" if n else None, "assistant" if n % 2 else "user", "x") for n in range(20_000)]
    assert len(branches_of(chat(*nodes)).answers) == 10_000


def test_forks_that_multiply_an_answer_are_refused():
    nodes = [("u", None, "user", "x"), ("0", "u", "assistant", "y" * 40_000)]
    for n in range(1, 400):
        nodes += [(f"{n}", f"{n - 1}", "assistant", "y" * 40_000), (f"leaf{n}", f"{n - 1}", "user", "z")]
    with pytest.raises(ValueError, match="too many forks"):
        branches_of(chat(*nodes))


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1.7e9, 1.7e9), (1.7e12, 1.7e9), (1.7e18, 1.7e9), (5, None), (True, None), ("x", None), (float("nan"), None)],
)
def test_times_are_seconds_milliseconds_or_nanoseconds(value, expected):
    assert seconds(value) == expected


def message(role: str, content: dict[str, Any], **facts: Any) -> dict[str, Any]:
    return {"author": {"role": role}, "content": content, **facts}


def said(given: dict[str, Any]) -> tuple[str, str, int]:
    """Role and text of a message of ChatGPT, and how much of the chat was left out."""
    found = read_chat({"mapping": {"a": {"parent": None, "message": given}}})
    assert found
    return found.nodes[0].role, found.nodes[0].text, found.n_left_out


TEXT = {"content_type": "text", "parts": ["Hi"]}
PICTURE = {
    "content_type": "image_asset_pointer",
    "asset_pointer": "sediment://f",
    "metadata": {"dalle": {"prompt": "A cat"}},
}
SEEN = {
    "a text": (message("user", TEXT), ("user", "Hi", 0)),
    "a picture with text": (
        message(
            "user",
            {"content_type": "multimodal_text", "parts": [{"content_type": "image_asset_pointer"}, "What is it?"]},
        ),
        ("user", "[Picture]\n\nWhat is it?", 1),
    ),
    "a picture that was attached": (
        message(
            "user",
            {"content_type": "multimodal_text", "parts": [{"content_type": "image_asset_pointer"}, "What is it?"]},
            metadata={"attachments": [{"name": "a.jpg", "mimeType": "image/jpeg"}, {"name": "b.pdf"}]},
        ),
        ("user", "[Picture: a.jpg]\n\nWhat is it?\n\n[Attached: b.pdf]", 2),
    ),
    "a video call": (
        message(
            "user",
            {
                "content_type": "multimodal_text",
                "parts": ["Hey", {"content_type": "real_time_user_audio_video_asset_pointer"}],
            },
        ),
        ("user", "Hey\n\n[Audio]", 1),
    ),
    "an attachment": (
        message("user", TEXT, metadata={"attachments": [{"name": "a.pdf"}]}),
        ("user", "Hi\n\n[Attached: a.pdf]", 1),
    ),
    "a spoken message": (
        message(
            "user",
            {
                "content_type": "multimodal_text",
                "parts": [
                    {"content_type": "audio_transcription", "text": "Hey"},
                    {"content_type": "audio_asset_pointer"},
                ],
            },
        ),
        ("user", "Hey\n\n[Audio]", 1),
    ),
    "a drawn picture": (
        message("tool", {"content_type": "multimodal_text", "parts": [PICTURE]}),
        ("assistant", "[Picture: A cat]", 1),
    ),
    "code that ran": (
        message(
            "assistant", {"content_type": "code", "language": "unknown", "text": "print('```')"}, recipient="python"
        ),
        ("assistant", "````python\nprint('```')\n````", 0),
    ),
    "its output": (
        message("tool", {"content_type": "execution_output", "text": "4"}),
        ("assistant", "```\n4\n```", 0),
    ),
    "a document": (
        message(
            "assistant",
            {"content_type": "code", "text": json.dumps({"name": "Plan", "type": "document", "content": "# A"})},
            recipient="canmore.create_textdoc",
        ),
        ("assistant", "**Plan**\n\n# A", 0),
    ),
    "custom instructions": (
        message("user", {"content_type": "user_editable_context", "user_profile": "x"}),
        ("", "", 0),
    ),
    "a hidden message": (
        message("assistant", TEXT, metadata={"is_visually_hidden_from_conversation": True}),
        ("", "", 0),
    ),
    "a system message": (message("system", TEXT), ("", "", 0)),
    "thoughts": (message("assistant", {"content_type": "thoughts", "thoughts": [{"content": "Hm"}]}), ("", "", 0)),
    "a search": (
        message("assistant", {"content_type": "code", "text": "search('x')"}, recipient="browser"),
        ("assistant", "", 0),
    ),
    "a page that was read": (
        message("tool", {"content_type": "tether_browsing_display", "result": "x"}),
        ("", "", 0),
    ),
    "nothing": (message("assistant", {}), ("", "", 0)),
    "a citation": (
        message(
            "assistant",
            {"content_type": "text", "parts": ["Yes【1†source】 and no."]},
            metadata={
                "citations": [
                    {"start_ix": 3, "end_ix": 13, "metadata": {"title": "A [b]", "url": "https://a.example"}}
                ]
            },
        ),
        ("assistant", "Yes ([A (b)](<https://a.example>)) and no.", 0),
    ),
    "a newer citation": (
        message(
            "assistant",
            {"content_type": "text", "parts": ["Yes \ue200cite\ue202turn0search1\ue201."]},
            metadata={
                "content_references": [
                    {
                        "matched_text": "\ue200cite\ue202turn0search1\ue201",
                        "items": [
                            {"title": "A", "url": "https://a.example"},
                            {"title": "B", "url": "javascript:alert(1)"},
                        ],
                    }
                ]
            },
        ),
        ("assistant", "Yes ([A](<https://a.example>)).", 0),
    ),
    "a citation of nothing": (
        message("assistant", {"content_type": "text", "parts": ["Yes【4†a】 \ue200x\ue201no"]}),
        ("assistant", "Yes no", 0),
    ),
}


@pytest.mark.parametrize("case", SEEN)
def test_people_find_what_they_saw_in_chatgpt(case):
    given, expected = SEEN[case]
    assert said(given) == expected


@pytest.mark.parametrize("value", [None, 5, "x", [], {}, [[]], True])
def test_messages_of_any_shape_are_read(value):
    for given, _ in SEEN.values():
        for key in given:
            said({**given, key: value})
        for key in given["content"]:
            said({**given, "content": {**given["content"], key: value}})


def test_a_chat_of_open_webui_is_read_with_its_branches():
    messages = {
        "a": {
            "id": "a",
            "parentId": None,
            "childrenIds": ["b", "b2"],
            "role": "user",
            "content": "1",
            "timestamp": 1_700_000_000,
        },
        "b": {"id": "b", "parentId": "a", "role": "assistant", "content": "one", "timestamp": 1_700_000_001},
        "b2": {
            "id": "b2",
            "parentId": "a",
            "role": "assistant",
            "content": '<details type="reasoning" done="true"><summary>Thought</summary>Hm</details>\nuno',
            "timestamp": 1_700_000_002,
            "sources": [{"source": {"name": "m.pdf"}}],
        },
    }
    given = {
        "id": "x",
        "title": "T",
        "chat": {"history": {"messages": messages, "currentId": "b"}},
        "archived": True,
        "created_at": 1_700_000_000,
    }
    found = read_chat(given)
    assert found
    assert (found.source, found.id, found.archived, found.created) == ("Open WebUI", "x", True, 1_700_000_000)
    assert shape(found) == ([("1", None)], [("one", 0), ("uno\n\nSources: m.pdf", 0)], 0)


@pytest.mark.parametrize("recursive", [False, True])
def test_a_conversation_of_librechat_is_read_as_a_list_and_as_a_tree(recursive):
    first = {
        "messageId": "a",
        "parentMessageId": "00000000-0000-0000-0000-000000000000",
        "isCreatedByUser": True,
        "text": "1",
        "createdAt": "2026-01-02T03:04:05.000Z",
    }
    content = [
        {"type": "think", "think": "Hm"},
        {"type": "text", "text": {"value": "one"}},
        {"type": "tool_call", "tool_call": {}},
    ]
    second = {"messageId": "b", "parentMessageId": "a", "isCreatedByUser": False, "text": "", "content": content}
    messages = {"messagesTree": [{**first, "children": [second]}]} if recursive else {"messages": [first, second]}
    found = read_chat({"conversationId": "x", "title": "T", "recursive": recursive, **messages})
    assert found
    assert shape(found) == ([("1", None)], [("one", 0)], 0)
    assert found.created == 1_767_323_045


def streamed(text: str, monkeypatch: pytest.MonkeyPatch, chunk: int = 7, most: int = 1_000) -> list[Any]:
    monkeypatch.setattr(json_stream, "CHUNK_CHARS", chunk)
    return list(items_of(io.StringIO(text), most))


@pytest.mark.parametrize("chunk", [1, 7, 1_000])
@pytest.mark.parametrize("value", [[], [{"a": "]},{"}], [{"a": [1, 2, {"b": '\\"'}]}, {"c": None}] * 5])
def test_a_list_is_read_item_by_item_wherever_it_is_cut(value, chunk, monkeypatch):
    for text in (json.dumps(value), json.dumps(value, indent=2), json.dumps({"conversations": value, "x": 1})):
        assert streamed(text, monkeypatch, chunk) == value


def test_one_object_is_the_only_item(monkeypatch):
    assert streamed('{"conversationId": "x"}', monkeypatch) == [{"conversationId": "x"}]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[{"a": 1}, {"b"', "incomplete"),
        ("[1 2", "incomplete"),
        ("", "incomplete"),
        ("no", "incomplete"),
        ('[{"a": "' + "x" * 2_000, "million characters"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_damaged_list_is_refused(text, words, monkeypatch):
    with pytest.raises(NotImportable, match=words):
        streamed(text, monkeypatch, chunk=1_000_000 if "deep" in words else 7)
