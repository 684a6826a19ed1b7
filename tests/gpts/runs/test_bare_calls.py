"""A call that a model printed as its answer is that call; other JSON is text."""

import pytest

from gpts.runs.bare_calls import bare_calls, safe_length
from gpts.runs.replies import Written

CALL = '{"name": "ask_pump_doctor", "arguments": {"task": "What does E4 mean?"}}'
MEANT = [Written("ask_pump_doctor", {"task": "What does E4 mean?"})]
TOOLS = {"ask_pump_doctor"}

SPELLINGS = {
    "bare": CALL,
    "fenced as JSON": f"```json\n{CALL}\n```",
    "fenced": f"```\n{CALL}\n```",
    "fenced as XML": f"```xml\n<tool_call>\n{CALL}\n</tool_call>\n```",
    "doubled braces": CALL.replace("{", "{{").replace("}", "}}"),
    "doubled braces in a fence": "```json\n" + CALL.replace("{", "{{").replace("}", "}}") + "\n```",
    "a block without its end": f"<tool_call>\n{CALL}",
    "plural tags": f"<tool_calls>[{CALL}]</tool_calls>",
    "a list of tools": f"<tools>\n{CALL}\n</tools>",
    "Llama's tag": f"<|python_tag|>{CALL.replace('arguments', 'parameters')}",
    "Mistral's tag": f"[TOOL_CALLS] [{CALL}]",
    "functionary's": f"functools[{CALL}]",
    "by name": '<function=ask_pump_doctor>{"task": "What does E4 mean?"}</function>',
    "OpenAI's": '{"type": "function", "function": ' + CALL + "}",
    "arguments as text": '{"name": "ask_pump_doctor", "arguments": "{\\"task\\": \\"What does E4 mean?\\"}"}',
    "with a result made up": f"{CALL}\nThe pump doctor says: check the seal.",
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_a_printed_call_is_a_call(spelling):
    assert bare_calls(spelling, TOOLS) == ("", MEANT)


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_none_of_it_is_shown_while_it_grows(spelling):
    assert {safe_length(spelling[:n]) for n in range(1, spelling.find("arg") + 1 or 20)} <= {0}


def test_what_was_said_before_a_call_stays():
    text, calls = bare_calls(f"I'll ask the pump doctor.\n\n```json\n{CALL}\n```", TOOLS)
    assert (text.strip(), calls) == ("I'll ask the pump doctor.", MEANT)


def test_two_calls_in_a_row_are_two():
    assert bare_calls(f"{CALL}\n{CALL}", TOOLS)[1] == MEANT * 2


def test_a_call_without_arguments_names_a_tool_that_is_there():
    assert bare_calls('{"name": "ask_pump_doctor"}', TOOLS)[1] == [Written("ask_pump_doctor", {})]


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "Bob", "age": 7}',
        '{"name": "Bob"}',
        '```json\n{"name": "web", "arguments": {"port": 80}, "version": 2}\n```',
        "```python\nprint({'name': 'x'})\n```",
        "A list:\n- {curly}\n- [x] done",
        "Use <b>bold</b> text.",
        "",
    ],
)
def test_other_json_and_code_is_text(text):
    assert bare_calls(text, TOOLS) == (text, [])


@pytest.mark.parametrize(
    "text", ["Hello there.", "```python\nx = 1\n", "[Notes]\n\nIt leaks.", '{"city": "Bern", "n']
)
def test_text_that_cannot_become_a_call_is_shown_at_once(text):
    assert safe_length(text) == len(text)


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_what_was_shown_is_not_read_again_and_changes_nothing(spelling):
    text, n_shown = f"First a line.\n- and an item\n{spelling}", 0
    for n in range(len(text) + 1):
        assert safe_length(text[:n], n_shown) == safe_length(text[:n])
        n_shown = safe_length(text[:n], n_shown)
