"""Texts that a model writes for the search alone: what a passage is about, and a likely answer to a question.

They are made of text that nobody vouches for, and may be wrong. So they are short, are never shown, quoted or given
to a model, and change only in which order the files' own passages are found.
"""

from typing import Final

from gpts.runs.messages import PromptMessage

# Characters of the file's beginning and of the passage that the model reads, and of what it writes that is used.
BEGINNING_CHARS: Final = 400
PASSAGE_CHARS: Final = 1_500
WRITTEN_CHARS: Final = 400
# The longest reply, in tokens.
MAX_TOKENS: Final = 60

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


def read_written(written: str) -> str:
    """What the model wrote to one of these prompts, as one line."""
    return " ".join(written.split())[:WRITTEN_CHARS]
