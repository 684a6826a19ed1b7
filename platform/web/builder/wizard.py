"""The wizard on the Create tab, where the site's model can't fill in the form: one question, one field.

Where it stands follows from the draft. Only answers are stored; whatever else is typed gets a sentence back.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext, gettext_noop

from gpts.spec.answers import answer_in, name_in, starter_in
from gpts.spec.gpt import STARTERS, UNTITLED
from web.accounts.models import User
from web.builder.models import Gpt
from web.builder.services import update_gpt
from web.engines import DEFAULT, answering
from web.operate.services import current_model

# How many starters are asked for.
STARTER_FIELDS: Final = 3
DONE: Final = "done"


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the wizard, with what is said of a text that does not answer it. All are translated when shown.

    `line` begins its line in the instructions; empty if it has none.
    """

    key: str
    text: str
    help: str
    fault: str
    examples: tuple[str, ...] = ()
    line: str = ""
    short: bool = False

    @property
    def required(self) -> bool:
        """Whether everything else rests on the answer."""
        return self.key == "purpose"


QUESTIONS: Final = (
    Question(
        "purpose",
        gettext_noop("What should it help with?"),
        gettext_noop("One or two sentences."),
        gettext_noop("Describe what it should help with in a sentence, or click an example."),
        (
            gettext_noop("Answers questions about our sourdough bread, for people who bake at home."),
            gettext_noop("Helps new volunteers find their way around our library."),
            gettext_noop("Explains our rental contract in plain words."),
        ),
        gettext_noop("What you do"),
    ),
    Question(
        "name",
        gettext_noop("What should it be called?"),
        gettext_noop("Two or three words are enough. You can change it later."),
        gettext_noop("Type the name alone, or skip this question."),
        (gettext_noop("Bread Buddy"), gettext_noop("Library Guide"), gettext_noop("Contract Explainer")),
        short=True,
    ),
    Question(
        "tone",
        gettext_noop("How should it answer?"),
        gettext_noop("Click an example or use your own words."),
        gettext_noop("Say how it should answer, click an example, or skip this question."),
        (
            gettext_noop("Short and friendly"),
            gettext_noop("Step by step, in simple words"),
            gettext_noop("Formal and precise"),
        ),
        gettext_noop("How you answer"),
        short=True,
    ),
    Question(
        "limits",
        gettext_noop("What must it never do?"),
        gettext_noop("Or what should it leave to a person?"),
        gettext_noop("Write a rule, click an example, or skip this question."),
        (
            gettext_noop("Never promise prices or dates."),
            gettext_noop("Never give medical or legal advice."),
            gettext_noop("Never invent facts: say what you don’t know."),
        ),
        gettext_noop("Your limits"),
    ),
    Question(
        "starters",
        gettext_noop("What will people ask it?"),
        gettext_noop("Up to three questions, which people can click to start a chat."),
        gettext_noop("Write questions that people will ask your GPT, or skip this question."),
    ),
    Question(
        "files",
        gettext_noop("What should it answer from?"),
        gettext_noop("You can add files under Configure."),
        gettext_noop("Choose one."),
    ),
)
BY_KEY: Final = {question.key: question for question in QUESTIONS}
KEYS: Final = (*BY_KEY, DONE)


class Unanswered(Exception):
    """What was sent does not answer the question. Its text is for the person."""


@dataclass(frozen=True, slots=True)
class Page:
    """What the Create tab shows: the question (None at the end), what its fields hold, and what was wrong with it."""

    number: int
    question: Question | None
    values: Sequence[str]
    fault: str = ""

    total: int = len(QUESTIONS)
    untitled: str = UNTITLED

    @property
    def before(self) -> str:
        """The key of the question before; empty at the first."""
        return KEYS[self.number - 2] if self.number > 1 else ""

    @property
    def after(self) -> str:
        """The key of what follows this question."""
        return KEYS[min(self.number, len(QUESTIONS))]


def is_guided() -> bool:
    """Whether the site's model is known to call no tools, so that it cannot fill in a form."""
    record = current_model() if answering("") == DEFAULT else None
    return record is not None and record.known().get("calls_tools") is False


def is_unfinished(gpt: Gpt) -> bool:
    """Whether the wizard began this draft, which has an open question and was never published."""
    began = any(line.startswith(_start(BY_KEY["purpose"])) for line in gpt.instructions.split("\n"))
    return began and gpt.published is None and page_of(gpt).question is not None


def page_of(gpt: Gpt, key: str = "", sent: Sequence[str] = (), fault: str = "") -> Page:
    """The page with the question `key`, or the first that is open; with what was `sent` if it had a `fault`."""
    if key not in KEYS:
        key = next((each.key for each in QUESTIONS if not any(_values(gpt, each))), DONE)
    question = BY_KEY.get(key)
    values = list(sent) if fault else _values(gpt, question) if question else []
    if key == "starters":
        values = [*values, *[""] * STARTER_FIELDS][: max(STARTER_FIELDS, len(values))]
    return Page(KEYS.index(key) + 1, question, values, fault)


def answer(gpt: Gpt, key: str, sent: Sequence[str], *, by: User) -> None:
    """Store the answer to the question `key` in the draft. Raises Unanswered, and stores nothing then."""
    try:
        update_gpt(gpt, fields_for(key, sent, gpt.instructions), by=by)
    except ValidationError as error:
        gpt.refresh_from_db()
        raise Unanswered(" ".join(error.messages)) from error


def fields_for(key: str, sent: Sequence[str], instructions: str = "") -> dict[str, Any]:
    """The fields that an answer fills in, with its line in the `instructions`. Raises Unanswered."""
    question, text = BY_KEY[key], (sent[0] if sent else "").replace("\x00", "")
    fields: dict[str, Any] = {}
    match key:
        case "files":
            return {"only_from_knowledge": text == "only"}
        case "starters":
            written = (part for text in sent for part in re.split(r"[;；\n]", text))
            starters = list(dict.fromkeys(filter(None, map(starter_in, written))))[:STARTERS]
            fields = {"starters": starters} if starters else {}
        case "name":
            fields = {"name": name} if (name := name_in(text)) else {}
        case "purpose" if said := answer_in(text, 2):
            fields = {"description": said, "instructions": _with_line(instructions, question, said)}
        case "tone" | "limits" if said := answer_in(text):
            fields = {"instructions": _with_line(instructions, question, said)}
    if not fields:
        raise Unanswered(gettext(question.fault))
    return fields


def _values(gpt: Gpt, question: Question) -> list[str]:
    match question.key:
        case "purpose":
            return [gpt.description]
        case "name":
            return ["" if gpt.name == UNTITLED else gpt.name]
        case "starters":
            return list(gpt.starters)
        case "files":
            return ["only" if gpt.only_from_knowledge else "any"]
        case _:
            start = _start(question)
            lines = (line for line in gpt.instructions.split("\n") if line.startswith(start))
            return [next(lines, "").removeprefix(start)]


def _with_line(instructions: str, question: Question, said: str) -> str:
    """The instructions with the line on this question, in place of an earlier one."""
    lines, start = instructions.split("\n") if instructions.strip() else [], _start(question)
    at = next((n for n, line in enumerate(lines) if line.startswith(start)), len(lines))
    return "\n".join([*lines[:at], start + " ".join(said.split()), *lines[at + 1 :]])


def _start(question: Question) -> str:
    return f"{gettext(question.line)}: "
