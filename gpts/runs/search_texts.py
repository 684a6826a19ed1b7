"""Texts that a model writes for the search alone: what a passage is about, and other wordings of a question.

They are made of text that nobody vouches for, and may be wrong. So they are short, are never shown, quoted or given
to a model, and change only in which order the files' own passages are found.
"""

import re
from typing import Final

from gpts.runs.messages import PromptMessage

# Characters of the file's beginning and of the passage that the model reads, and of what it writes that is used.
BEGINNING_CHARS: Final = 400
PASSAGE_CHARS: Final = 1_500
WRITTEN_CHARS: Final = 400
# The longest reply, in tokens.
MAX_TOKENS: Final = 90

_NUMBER: Final = re.compile(r"^\s*\d\.\s*", re.MULTILINE)
# Without an example, whose names a small model repeats in a quarter of its lines.
_CONTEXT: Final = (
    "In one line of at most 30 words, say for a search index what this passage is about: which company, person, "
    "product or topic, which period, and what it says of them. Write only that line."
)
_WORDING: Final = (
    PromptMessage(
        role="system",
        content="You help a search engine. For each question write two lines and nothing else:\n"
        "1. the question in other words, with synonyms for its key terms\n"
        "2. one sentence as it might stand in a document that answers it; invent what you do not know.",
    ),
    PromptMessage(role="user", content="Question: how often is the pool water changed?"),
    PromptMessage(
        role="assistant",
        content="1. What is the interval at which the water in the swimming pool is renewed or replaced?\n"
        "2. The water of the pool is drained and replaced completely every four weeks by the maintenance staff.",
    ),
)


def context_request(name: str, beginning: str, heading: str, passage: str) -> tuple[PromptMessage, ...]:
    """The prompt for what a passage below `heading` is about, in a file of this name that begins so."""
    facts = {"File": name, "It begins": beginning[:BEGINNING_CHARS], "Heading": heading}
    known = "\n".join(f"{what}: {' '.join(text.split())}" for what, text in facts.items() if text)
    return (
        PromptMessage(role="system", content="You write one line for a search index."),
        PromptMessage(role="user", content=f"{known}\n\nPassage:\n{passage[:PASSAGE_CHARS]}\n\n{_CONTEXT}"),
    )


def wording_request(question: str) -> tuple[PromptMessage, ...]:
    """The prompt for the question in other words, and for a sentence that might answer it."""
    return (*_WORDING, PromptMessage(role="user", content=f"Question: {question}"))


def read_written(written: str) -> str:
    """What the model wrote to one of these prompts, as one line."""
    return " ".join(_NUMBER.sub("", written).split())[:WRITTEN_CHARS]
