"""Titles and the like for a chat are told from questions by their form, not by a list of programs.

It was measured on templates of sixty front ends, which are not ours to copy (2026-11): of 28, 22 and 11 that the rule
had not been made with, it found 20, 15 and 4 at first sight, and all but one after what was missing (Chinese, for
the last) had been added. Of 36 other instructions it took one for a side task, of 13,461 messages of people none.
"""

from pathlib import Path

import pytest

from gpts.runs.side_tasks import is_side_task
from tests.lab import packed, training

MESSAGES = Path(training.__file__).parent / "data/messages"
HISTORY = "<chat_history>\nUSER: Which seal fits?\nASSISTANT: ZP-771\n</chat_history>"


@pytest.mark.parametrize(
    ("instructions", "messages"),
    [
        ("", [f"### Task:\nGenerate a title for the chat.\n### Output:\nJSON: {{}}\n{HISTORY}"]),
        ("", [f"### Task:\nSuggest 3 follow-up questions for this discussion.\n{HISTORY}"]),
        ("", [f"Make broad tags for the conversation, as a JSON list.\n{HISTORY}"]),
        ("", [f"{HISTORY}\nWrite search queries for what the user asks. Reply in JSON."]),
        ("You are a naming bot. Write a short title for the user's first message, nothing else.", ["Which seal?"]),
        ("You write thread titles. You are a title writer: only the title.", ["Title this thread:", "Which seal?"]),
        ("", ["Which seal?", "Summarize our conversation in six words, no punctuation."]),
        (
            "",
            ["Given this conversation, rephrase the last message as a standalone question.\nHuman: a\nAI: b"],
        ),
        ("", ["请为这段对话生成一个标题，只返回标题。"]),
        ("", ["x " * 3_000 + "\n\nNow create a concise title for the conversation above."]),
    ],
)
def test_side_tasks_of_front_ends(instructions, messages):
    assert is_side_task(instructions, messages)


@pytest.mark.parametrize(
    ("instructions", "messages"),
    [
        ("", ["Which seal fits the Zephyr-9?"]),
        ("", ["How long may the title of a chat be? Answer only with the number."]),
        ("", ["Summarize the manual in 100 words."]),
        ("", ["Write a name tag for our visitors, five words at most."]),
        ("", [f"{HISTORY}\nWhat should the customer do next?"]),
        (
            "",
            ["### Task:\nAnswer from the context, with the [id] of each <source>.\nWhich seal?"],
        ),
        ("Be brief. At the end of your answer, suggest three follow-up questions.", ["Which seal?"]),
        ("You help in a chat of a shop. Keep the conversation friendly and use only German.", ["Which seal?"]),
    ],
)
def test_questions_and_instructions_that_look_like_them(instructions, messages):
    assert not is_side_task(instructions, messages)


def test_nobodys_message_is_taken_for_one():
    rows = [line.split("\t") for path in MESSAGES.glob("*.tsv.gz") for line in packed.read(path).splitlines()]
    assert len(rows) > 13_000
    assert [row for row in rows if is_side_task("", [row[-1]])] == []
