"""Texts that a model writes for the search alone: what a passage is about, a likely answer, what people look for.

They are made of text that nobody vouches for, and may be wrong. So they are short, are never shown, quoted or given
to a model, and change only in which order the files' own passages, or the store's GPTs, are found.
"""

import re
from collections.abc import Sequence
from typing import Final

from gpts.runs.messages import PromptMessage

# Characters of the file's beginning and of the passage that the model reads, and of what it writes that is used.
BEGINNING_CHARS: Final = 400
PASSAGE_CHARS: Final = 1_500
WRITTEN_CHARS: Final = 400
# The longest reply, in tokens.
MAX_TOKENS: Final = 60

# Of the phrases by which a GPT is found: how many, the longest one in characters, and the longest reply in tokens.
N_PHRASES: Final = 16
PHRASE_CHARS: Final = 60
PHRASES_TOKENS: Final = 300
# What stands before an entry of a list.
_BULLET: Final = re.compile(r"\s*(?:[-*•–]|\d{1,2}[.)])?\s*")

# Without an example, whose names a small model repeats in a quarter of its lines.
_CONTEXT: Final = (
    "In one line of at most 30 words, say for a search index what this passage is about: which company, person, "
    "product or topic, which period, and what it says of them. Write only that line."
)
_ANSWER: Final = (
    PromptMessage(
        role="system",
        content="You help a search engine. For each question write one sentence as it might stand in a document that "
        "answers it, and nothing else. Invent what you do not know.",
    ),
    PromptMessage(role="user", content="Question: how often is the pool water changed?"),
    PromptMessage(
        role="assistant",
        content="The water of the swimming pool is drained and replaced completely every four weeks by the staff.",
    ),
)
_PHRASES: Final = (
    f"Write {N_PHRASES} different things that somebody might type who would be well served by this assistant but "
    "does not know it: single words for its subject and for things that belong to it; the trouble or wish as people "
    "put it in everyday words; the situation they are in; the result they want. Use other words than the text above "
    "where you can, and keep to what this assistant really helps with. One to six words each, lower case, in the "
    "language of the text above, one on each line, and nothing else."
)


def context_request(name: str, beginning: str, heading: str, passage: str) -> tuple[PromptMessage, ...]:
    """The prompt for what a passage below `heading` is about, in a file of this name that begins so."""
    facts = {"File": name, "It begins": beginning[:BEGINNING_CHARS], "Heading": heading}
    known = "\n".join(f"{what}: {' '.join(text.split())}" for what, text in facts.items() if text)
    return (
        PromptMessage(role="system", content="You write one line for a search index."),
        PromptMessage(role="user", content=f"{known}\n\nPassage:\n{passage[:PASSAGE_CHARS]}\n\n{_CONTEXT}"),
    )


def answer_request(question: str) -> tuple[PromptMessage, ...]:
    """The prompt for a likely answer, as it might stand in a file."""
    return (*_ANSWER, PromptMessage(role="user", content=f"Question: {question}"))


def phrases_request(name: str, description: str, starters: Sequence[str]) -> tuple[PromptMessage, ...]:
    """The prompt for what people who need this GPT may look for in the store."""
    card = "\n".join([f"Name: {name}", f"Description: {description}", *(f"People ask: {each}" for each in starters)])
    return (
        PromptMessage(role="system", content="People look for assistants by typing a few words. You help them."),
        PromptMessage(role="user", content=f"{card}\n\n{_PHRASES}"),
    )


def read_phrases(written: str) -> list[str]:
    """The phrases that the model wrote, one on each line, at most N_PHRASES; longer ones are left out."""
    lines = (_BULLET.sub("", line, count=1).strip(" \t\"'“”.,").lower() for line in written.splitlines())
    return list(dict.fromkeys(line for line in lines if 0 < len(line) <= PHRASE_CHARS))[:N_PHRASES]


def read_written(written: str) -> str:
    """What the model wrote to one of these prompts, as one line."""
    return " ".join(written.split())[:WRITTEN_CHARS]
