"""What the choice reads of a conversation: the last message, its last sentence, and what came before it.

Text that a message only hands over ("translate: open the window") is no wish, and what it says not to do is none
either; both are told apart here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from workers.smallmodel.routing.cues import cues, signs, stems
from workers.smallmodel.routing.words import gloss, language_of

# The beginning and the end of a long message say what it wants.
HEAD_CHARS: Final = 400
TAIL_CHARS: Final = 200
REPLY_CHARS: Final = 160
SHORTEST_SENTENCE: Final = 3
_CALLED: Final = re.compile(r"\[([\w.-]+(?:, [\w.-]+)*)\]")
_HANDED_OVER: Final = re.compile(r":\s*\S.*|[\"“„«'‘][^\n]{8,}[\"”“»'’]|\n.+", re.DOTALL)
_SENTENCE: Final = re.compile(r"(?<=[.!?;。！？])\s*|\n+")
_CLAUSE: Final = re.compile(
    r"[,.;:!?\n。，！？]+|\s(?:but|instead|just|sondern|aber|nur|mais|plutôt|sino|pero|solo)\s", re.I
)
_NEGATION: Final = re.compile(
    r"\b(?:don['’]?t|do not|no need|without|rather than|instead of|not|never|no|nicht|nichts|kein\w*|ohne|statt|pas"
    r"|sans|sin|nunca|jamais|keinesfalls)\b|\bn['’]|别|不要|不用|无需",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Dialogue:
    """The texts of a conversation in English words; `raw` and `raw_before` are the last messages as typed.

    `declined` are the stems of what is said not to do; `called` names the tools that the turn before called.
    """

    message: str
    last: str
    before: str
    raw_before: str
    reply: str
    raw: str
    declined: frozenset[str]
    called: frozenset[str]
    cues: npt.NDArray[np.float32]

    def texts(self) -> tuple[str, str, str, str, str]:
        """What is embedded: the message, it after the one before, that one, the last reply, the last sentence."""
        after = f"{self.before} {self.message}".strip()
        return self.message, after, self.before or "none", self.reply or "none", self.last


def read_dialogue(conversation: Sequence[tuple[str, str]]) -> Dialogue:
    """The last user message of (role, content) pairs with the message and the reply before it.

    What an assistant says in square brackets are the names of tools that it called.
    """
    said = [n for n, (role, _) in enumerate(conversation) if role == "user"]
    last, start = (said[-1] if said else 0), (said[-2] if len(said) > 1 else 0)
    replies = [text for role, text in conversation[:last] if role == "assistant"]
    calls = [found[1] for role, text in conversation[start:last] if (found := _called(role, text))]
    return _dialogue(
        conversation[last][1] if said else "",
        conversation[start][1] if len(said) > 1 else "",
        next((text for text in reversed(replies) if not _called("assistant", text)), ""),
        frozenset(name for names in calls for name in names.split(", ")),
    )


def _called(role: str, text: str) -> re.Match[str] | None:
    return _CALLED.fullmatch(text.strip()) if role == "assistant" else None


def _dialogue(message: str, before: str, reply: str, called: frozenset[str]) -> Dialogue:
    raw = own_words(clip(message))
    glossed, last = gloss(raw), gloss(last_sentence(raw))
    before, reply = clip(before), gloss(encodable(reply[:REPLY_CHARS]))
    marks = cues(glossed, raw, last, language_of(raw) != "en", bool(before or reply))
    return Dialogue(glossed, last, gloss(before), before, reply, raw, _declined(raw), called, marks)


def own_words(text: str) -> str:
    """`text` without what it only hands over to be edited, if it asks for that."""
    if not signs("typed_signs")["edits"].search(text):
        return text
    own = _HANDED_OVER.sub(" …", text, count=1)
    return own if len(own.split()) > 1 else text


def last_sentence(text: str) -> str:
    """What `text` comes to: its last sentence that is more than thanks."""
    sentences = [each.strip() for each in _SENTENCE.split(text) if each.strip()]
    long = [each for each in sentences if len(each.split()) >= SHORTEST_SENTENCE or len(each) > 24]
    return (long or sentences or [text])[-1]


def _declined(raw: str) -> frozenset[str]:
    clauses = [each for each in _CLAUSE.split(raw) if each.strip()]
    said_not = [each for each in clauses if _NEGATION.search(each)]
    wanted = [each for each in clauses if each not in said_not]
    return stems(gloss(" ".join(said_not))) - stems(gloss(" ".join(wanted)))


def clip(text: str) -> str:
    """`text`, or its beginning and its end if it is long."""
    if len(text) > HEAD_CHARS + TAIL_CHARS:
        text = f"{text[:HEAD_CHARS]} … {text[-TAIL_CHARS:]}"
    return encodable(text)


def encodable(text: str) -> str:
    """`text` with a question mark for each half of a character, which the tokenizer would refuse."""
    return text.encode("utf-8", "replace").decode("utf-8")
