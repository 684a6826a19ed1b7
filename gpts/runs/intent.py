"""What a message asks for, as a model that writes answers says it in one line: a question, whole files, or a change.

The line is read strictly: whatever is not exactly in one of the forms that the prompt gives is a question to search.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from gpts.runs.messages import PromptMessage
from gpts.runs.queries import MAX_TURNS, turns_before
from gpts.runs.steps import Log, MessageIntent

# The request of every message that wants a summary, however it is worded.
SUMMARY: Final = "summary"
# Characters of each earlier message that the model reads, of the request that it writes, and of a file's title.
REWRITE_CHARS: Final = 400
REQUEST_CHARS: Final = 300
TITLE_CHARS: Final = 80
# Files that the prompt lists; "all" names the others too.
MAX_LISTED: Final = 60

_TEXTS: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_FILES: Final = re.compile(r"FILES:([^|\n]++)(?:\|([^|\n]++))?")
_SEPARATOR: Final = re.compile(r" *(?:[,;&]| and ) *| *$")


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file as the model may name it; `title` is that of the document. `is_new`: it is attached to the message."""

    file_id: str
    name: str
    title: str = ""
    is_new: bool = False


def intent_request(history: Sequence[Log], log: Log, files: Sequence[ListedFile]) -> tuple[PromptMessage, ...]:
    """The prompt by which a model says what the message of `log` asks for."""
    listed = [f"{number}. {_described(file)}" for number, file in enumerate(files[:MAX_LISTED], 1)]
    if len(files) > MAX_LISTED:
        listed.append(f"and {len(files) - MAX_LISTED} more; write all for every file")
    *before, message = turns_before(history, log)
    said = (f"User: {turn.question[:REWRITE_CHARS]}\nAssistant: {turn.answer[:REWRITE_CHARS]}" for turn in before)
    return (*_examples(), _asked(listed, "\n".join([*said][-MAX_TURNS:]), message.question))


@cache
def _examples() -> tuple[PromptMessage, ...]:
    """The rules and the examples, the same in every prompt."""
    messages = [PromptMessage(role="system", content=_TEXTS["rules"].strip())]
    for example in _TEXTS["examples"]:
        said = _TEXTS["conversation"].strip() if example.get("follows") else ""
        messages.append(_asked(["1. tickets.pdf", "2. pool rules.docx"], said, example["message"]))
        messages.append(PromptMessage(role="assistant", content=example["line"]))
    return tuple(messages)


def _asked(listed: Sequence[str], said: str, message: str) -> PromptMessage:
    conversation = f"\n\nConversation:\n{said}" if said else ""
    content = "\n".join(["Files:", *listed]) + f"{conversation}\n\nMessage: {message}"
    return PromptMessage(role="user", content=content)


def read_intent(written: str, question: str, files: Sequence[ListedFile]) -> MessageIntent:
    """What a message with the text `question` asks for, by the model's line; a question if it has no known form."""
    line = next(filter(None, map(str.strip, written.splitlines())), "").strip("*` ")
    if line.rstrip(".") == "LAST":
        return MessageIntent(intent="rewrite")
    if found := _FILES.fullmatch(line):
        ids = _named(found[1], files)
        wanted = " ".join((found[2] or question).split())[:REQUEST_CHARS]
        request = SUMMARY if wanted.rstrip(".").casefold() == SUMMARY else wanted
        return MessageIntent(intent="whole_files", query=request, file_ids=ids) if ids else _search(question)
    if line.startswith(("FILES", "LAST")):
        return _search(question)
    # The message stays in the query: a small model may have written something else.
    return _search(" ".join(dict.fromkeys((line.strip('"'), question)))) if line else _search("")


def _search(query: str) -> MessageIntent:
    return MessageIntent(intent="question", query=query)


def _described(file: ListedFile) -> str:
    title = " ".join(file.title.split())[:TITLE_CHARS]
    about = [title] * (title not in ("", file.name)) + ["attached to the message"] * file.is_new
    return f"{file.name} ({', '.join(about)})" if about else file.name


def _named(text: str, files: Sequence[ListedFile]) -> tuple[str, ...]:
    """The ids of the files that `text` lists, by number, name or title; empty if it holds anything else."""
    labels: dict[str, list[str]] = {"all": [file.file_id for file in files]}
    for number, file in enumerate(files, 1):
        for label in {str(number), file.name, file.name.rpartition(".")[0], file.title, _described(file)} - {""}:
            labels.setdefault(label.casefold(), []).append(file.file_id)
    longest_first = sorted(labels, key=len, reverse=True)
    rest, ids = re.sub(r"[\"“”'`*]", "", text).strip().casefold(), dict[str, None]()
    while rest:
        fits = (label for label in longest_first if rest.startswith(label) and _SEPARATOR.match(rest, len(label)))
        label = next(fits, "")
        separator = _SEPARATOR.match(rest, len(label))
        if not (label and separator):
            return ()
        ids |= dict.fromkeys(labels[label])
        rest = rest[separator.end() :]
    return tuple(ids)
