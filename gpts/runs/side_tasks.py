"""Recognises the side tasks of chat front ends: a title, tags, follow-ups or search queries for a chat of theirs.

They come over the API like questions, but ask nothing of the GPT: the model does them from the chat alone. What shows
them is their form: an instruction to make such a thing, of a chat, in a form that a program can read. A question that
were taken for one would be answered without the files; a title that were not would be "The files do not cover that".
"""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

# Characters at the beginning of an instruction, and at the end of the last message, that may say what to make.
HEAD_CHARS: Final = 600
TAIL_CHARS: Final = 400
# Of a long message, so much is looked at from both ends.
READ_CHARS: Final = 10_000

_WORDS: Final = {
    name: "|".join(words)
    for name, words in tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8")).items()
}
# The verb, then the thing, within a sentence or a numbered list; or that a chat is summarized.
_MADE: Final = (
    rf"(?<![A-Za-z-])(?:{_WORDS['verbs']})(?:[^.?!。]|(?<=\d)\.){{0,100}}?"
    rf"(?<![A-Za-z-])(?:{_WORDS['things']})(?![A-Za-z])"
)
_WANTED: Final = re.compile(
    rf"{_MADE}|\bsummari[sz]e\b[^.?!。]{{0,40}}?(?<![A-Za-z])(?:{_WORDS['chats']})", re.IGNORECASE
)
# That it is made of a chat, in so many words.
_OF_CHAT: Final = re.compile(
    r"(?:对话|会话|聊天)[^。]{0,20}?(?:生成|起)[^。]{0,12}?(?:标题|题目)"
    rf"|{_MADE}[^.?!。]{{0,40}}?\b(?:for|of|from|on|summari\w+)\b[^.?!。]{{0,30}}?(?<![A-Za-z])(?:{_WORDS['chats']})",
    re.IGNORECASE,
)
_CHAT: Final = re.compile(rf"(?<![A-Za-z])(?:{_WORDS['chats']})", re.IGNORECASE)
_ANSWERS: Final = re.compile(_WORDS["answers"], re.IGNORECASE)
_FORM: Final = re.compile(_WORDS["forms"], re.IGNORECASE)
_HEADING: Final = re.compile(r"\s*#+\s*task\b", re.IGNORECASE)
# A chat that is pasted in: in an element of its own, or as lines that begin with who speaks.
_ELEMENT: Final = re.compile(
    r"<(chat_history|chat|conversation|messages?|history|transcript|dialog(?:ue)?)\b[^<>]*>.*?(?:</\1>|\Z)",
    re.S | re.I,
)
_SPOKEN: Final = re.compile(r"^(?:user|human)\s*[:：].+?^(?:assistant|ai|bot|model)\s*[:：]", re.S | re.I | re.M)
_QUESTION: Final = re.compile(
    r"\W*(?:how|what|why|when|where|which|who|can|could|do|does|is|are|may|should)\b[^\n]*\?", re.I
)


def is_side_task(instructions: str, messages: Sequence[str]) -> bool:
    """Whether a program's `instructions`, or the first or last of a person's `messages`, ask for one."""
    read = [text if len(text) <= 2 * READ_CHARS else text[:READ_CHARS] + text[-READ_CHARS:] for text in messages[-2:]]
    first = messages[0][:READ_CHARS] if messages else ""
    is_pasted = any(_ELEMENT.search(text) or _SPOKEN.search(text) for text in read)
    last = _without_chat(read[-1]) if read else ""
    asking = [instructions, _without_chat(first), last]
    tail = [last[-TAIL_CHARS:]] if len(last) > HEAD_CHARS else []
    return any(_asks(text, is_pasted) for text in (*(text[:HEAD_CHARS] for text in asking), *tail))


def _asks(text: str, is_pasted: bool) -> bool:
    """Whether the beginning or end of a text asks for such a thing, of a chat, in the form that a program wants."""
    if _QUESTION.match(text) or _ANSWERS.search(text) or not _WANTED.search(text):
        return False
    has_form = bool(_OF_CHAT.search(text) or _FORM.search(text) or _HEADING.match(text))
    return has_form and bool(is_pasted or _CHAT.search(text))


def _without_chat(text: str) -> str:
    """`text` without what is pasted into it as a chat."""
    return _ELEMENT.sub(" ", text)
