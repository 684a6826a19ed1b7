"""Reads a conversation for the choice: the last message, its last sentence, and the turn before.

Text to be edited ("translate: open the window") is not a request, nor is what the message says not to do; both are
separated here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from workers.knowledge.embed import Vectors
from workers.smallmodel.routing.cues import cues, signs, stems
from workers.smallmodel.routing.words import gloss, language_of

# Of a long message only the beginning and the end are read.
HEAD_CHARS: Final = 400
TAIL_CHARS: Final = 200
REPLY_CHARS: Final = 160
SHORTEST_SENTENCE: Final = 3
_CALLED: Final = re.compile(r"\[([\w.-]+(?:, [\w.-]+)*)\]")
_EDITED: Final = re.compile(r":\s*\S.*|[\"“„«'‘][^\n]{8,}[\"”“»'’]|\n.+", re.DOTALL)
_SENTENCE: Final = re.compile(r"(?<=[.!?;。！？])\s*|\n+")
_CLAUSE: Final = signs("clauses")["end"]
_NEGATION: Final = signs("clauses")["negation"]


@dataclass(frozen=True, slots=True)
class Dialogue:
    """The texts of a conversation in English words; `raw` and `raw_before` are the last messages as typed.

    `declined` are the stems of negated clauses; `called` are the names of the tools called in the turn before.
    """

    message: str
    last: str
    before: str
    raw_before: str
    reply: str
    raw: str
    declined: frozenset[str]
    called: frozenset[str]
    cues: Vectors

    def texts(self) -> tuple[str, str, str, str, str]:
        """The texts to embed: message, previous message + message, previous message, last reply, last sentence."""
        after = f"{self.before} {self.message}".strip()
        return self.message, after, self.before or "none", self.reply or "none", self.last


def read_dialogue(conversation: Sequence[tuple[str, str]]) -> Dialogue:
    """The last user message of (role, content) pairs with the message and the reply before it.

    An assistant's message in square brackets has the names of the tools that it called.
    """
    own = [n for n, (role, _) in enumerate(conversation) if role == "user"]
    last, start = (own[-1] if own else 0), (own[-2] if len(own) > 1 else 0)
    replies = [text for role, text in conversation[:last] if role == "assistant"]
    calls = [found[1] for role, text in conversation[start:last] if (found := _called(role, text))]
    return _dialogue(
        conversation[last][1] if own else "",
        conversation[start][1] if len(own) > 1 else "",
        next((text for text in reversed(replies) if not _called("assistant", text)), ""),
        frozenset(name for names in calls for name in names.split(", ")),
    )


def _called(role: str, text: str) -> re.Match[str] | None:
    return _CALLED.fullmatch(text.strip()) if role == "assistant" else None


def _dialogue(message: str, before: str, reply: str, called: frozenset[str]) -> Dialogue:
    raw = without_edited_text(clip(message))
    glossed, last = gloss(raw), gloss(last_sentence(raw))
    before, reply = clip(before), gloss(encodable(reply[:REPLY_CHARS]))
    marks = cues(glossed, raw, last, language_of(raw) != "en", bool(before or reply))
    return Dialogue(glossed, last, gloss(before), before, reply, raw, _declined(raw), called, marks)


def without_edited_text(text: str) -> str:
    """`text` without the text that it wants edited, if any."""
    if not signs("typed_signs")["edits"].search(text):
        return text
    request = _EDITED.sub(" …", text, count=1)
    return request if len(request.split()) > 1 else text


def last_sentence(text: str) -> str:
    """The last sentence of `text` that is longer than a thank-you."""
    sentences = [each.strip() for each in _SENTENCE.split(text) if each.strip()]
    long = [each for each in sentences if len(each.split()) >= SHORTEST_SENTENCE or len(each) > 24]
    return (long or sentences or [text])[-1]


def _declined(raw: str) -> frozenset[str]:
    clauses = [each for each in _CLAUSE.split(raw) if each.strip()]
    negated = [each for each in clauses if _NEGATION.search(each)]
    wanted = [each for each in clauses if each not in negated]
    return stems(gloss(" ".join(negated))) - stems(gloss(" ".join(wanted)))


def clip(text: str) -> str:
    """`text`, or its beginning and end if it is long."""
    if len(text) > HEAD_CHARS + TAIL_CHARS:
        text = f"{text[:HEAD_CHARS]} … {text[-TAIL_CHARS:]}"
    return encodable(text)


def encodable(text: str) -> str:
    """`text` with a question mark for each lone surrogate, which the tokenizer would refuse."""
    return text.encode("utf-8", "replace").decode("utf-8")
