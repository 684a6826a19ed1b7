"""What a raw reply means."""

from gpts.replies import parse, prose


def test_plain_text_is_the_answer():
    assert parse(" Three are left. ", 0) == ("Three are left.", ())


def test_calls_are_taken_out_and_numbered_from_the_run():
    text, calls = parse('Wait.<tool_call>{"name": "stock", "arguments": {"part": "ZP-771"}}</tool_call>', 2)
    assert text == "Wait."
    assert [(call.call_id, call.name, call.arguments) for call in calls] == [("call_2", "stock", {"part": "ZP-771"})]


def test_a_malformed_call_stays_visible():
    for raw in ("<tool_call>{name}</tool_call>", '<tool_call>{"name": 3}</tool_call>'):
        assert parse(raw, 0) == (raw, ())


def test_arguments_that_are_no_object_make_no_call():
    raw = '<tool_call>{"name": "stock", "arguments": [1]}</tool_call>'
    assert parse(raw, 0) == (raw, ())


def test_a_call_is_never_shown_not_even_its_first_characters():
    raw = 'Let me look. <tool_call>{"name": "stock"}</tool_call>'
    assert {prose(raw[:n], ended=False) for n in range(13, len(raw))} == {"Let me look. "}


def test_what_only_looks_like_a_call_is_shown_in_the_end():
    assert prose("a <tool", ended=False) == "a "
    assert prose("a <tool", ended=True) == "a <tool"
