"""What a raw reply means."""

import pytest

from gpts.runs.replies import Written, parse, prose, read_calls, written


def test_plain_text_is_the_answer():
    assert parse(" Three are left. ") == ("Three are left.", ())


def test_calls_are_taken_out_and_get_ids_that_nothing_in_the_conversation_has():
    block = '<tool_call>{"name": "stock", "arguments": {"part": "ZP-771"}}</tool_call>'
    text, calls = parse(f"Wait.{block}{block}", ["call_0", "call_2"])
    assert text == "Wait."
    assert [(call.call_id, call.name, call.arguments) for call in calls] == [
        ("call_3", "stock", {"part": "ZP-771"}),
        ("call_4", "stock", {"part": "ZP-771"}),
    ]


@pytest.mark.parametrize(
    ("servers", "kept"),
    [
        ("chatcmpl-tool-0123456789abcdef0123456789abcdef", True),
        ("functions.stock:0", True),
        ("x", False),  # used before
        ("a" * 47, False),
        ('"><b>', False),
        ("two\nlines", False),
        ("", False),
    ],
)
def test_a_servers_own_id_is_kept_if_it_is_short_plain_and_new(servers, kept):
    [call] = parse(written([Written("stock", {}, servers)]), ["x"])[1]
    assert call.call_id == (servers if kept else "call_1")


def test_a_malformed_call_stays_visible():
    for raw in ("<tool_call>{name}</tool_call>", '<tool_call>{"name": 3}</tool_call>'):
        assert parse(raw) == (raw, ())


def test_arguments_that_are_no_object_make_no_call():
    raw = '<tool_call>{"name": "stock", "arguments": [1]}</tool_call>'
    assert parse(raw) == (raw, ())


def test_a_call_is_never_shown_not_even_its_first_characters():
    raw = 'Let me look. <tool_call>{"name": "stock"}</tool_call>'
    assert {prose(raw[:n], ended=False) for n in range(13, len(raw))} == {"Let me look. "}


def test_what_only_looks_like_a_call_is_shown_in_the_end():
    assert prose("a <tool", ended=False) == "a "
    assert prose("a <tool", ended=True) == "a <tool"


def test_a_block_without_its_end_is_no_call_so_a_cut_reply_starts_none():
    raw = '<tool_call>{"name": "stock", "arguments": {"part": "ZP-771"}}</tool_call>'
    assert all(parse(raw[:n])[1] == () for n in range(len(raw)))


def test_the_end_of_a_block_inside_an_argument_is_an_argument():
    call = parse('<tool_call>{"name": "echo", "arguments": {"text": "}</tool_call>"}}</tool_call>')[1][0]
    assert call.arguments == {"text": "}</tool_call>"}


def test_numbers_that_are_not_json_make_no_call():
    assert parse('<tool_call>{"name": "add", "arguments": {"n": NaN}}</tool_call>')[1] == ()


def test_calls_of_other_models_are_rewritten_into_the_one_form():
    for raw in (
        '{"name": "stock", "parameters": {"n": 3}}; {"name": "stock", "parameters": {"n": 4}}',
        '[{"name": "stock", "arguments": {"n": 3}}, {"name": "stock", "arguments": {"n": 4}}]',
    ):
        calls = read_calls(raw)
        assert calls is not None
        assert [call.arguments["n"] for call in parse(written(calls))[1]] == [3, 4]


def test_the_rest_of_a_call_that_was_cut_is_read_as_none():
    assert read_calls('[{"name": "stock", "arguments": {}}, {"name": "st') is None
    assert read_calls('{"name": "stock", "parameters": {}} and so on') is None
