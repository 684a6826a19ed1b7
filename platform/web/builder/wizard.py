"""The wizard on the Create tab, where the GPT's model can't fill in the form: one question, one field.

Where it stands follows from the draft. What is clearly an answer is stored at once. Of anything else the person is
asked whether it is one, and at the end they see all answers, each with a link to change it.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext, gettext_noop

from gpts.spec.answers import answer_in, forbids, is_full_name, is_question, n_content, name_in, starter_in, tells_use
from gpts.spec.gpt import NAME_CHARS, STARTERS, UNTITLED
from web.accounts.models import User
from web.builder.models import Gpt
from web.builder.services import update_gpt
from web.engines import offered
from web.operate.services import abilities_of

# How many starters are asked for.
STARTER_FIELDS: Final = 3
# From so many content words on, a description of a GPT or its way to answer is hardly a remark about something else.
CLEAR_WORDS: Final = {"purpose": 6, "tone": 4, "limits": 3}
DONE: Final = "done"


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the wizard, with what is said of a text that does not answer it. All are translated when shown.

    `asks`: whether a text that may answer it does. `line` begins its line in the instructions; empty if it has none.
    """

    key: str
    text: str
    help: str
    fault: str
    asks: str = ""
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
        gettext_noop("Use “{text}” as its purpose?"),
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
        gettext_noop("Use “{text}” as the name?"),
        (gettext_noop("Bread Buddy"), gettext_noop("Library Guide"), gettext_noop("Contract Explainer")),
        short=True,
    ),
    Question(
        "tone",
        gettext_noop("How should it answer?"),
        gettext_noop("Click an example or use your own words."),
        gettext_noop("Say how it should answer, click an example, or skip this question."),
        gettext_noop("Use “{text}” as the way it answers?"),
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
        gettext_noop("Use “{text}” as a rule?"),
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
        gettext_noop("Use “{text}” as a conversation starter?"),
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
# What finds the answer to a question in a text.
READERS: Final[dict[str, Callable[[str], str]]] = {
    "purpose": partial(answer_in, n_words=2),
    "name": name_in,
    "tone": answer_in,
    "limits": answer_in,
    "starters": starter_in,
}


class Unanswered(Exception):
    """What was sent can't be stored as the answer to the question. Its text is for the person."""


class NoAnswer(Unanswered):
    """What was sent seems to be no answer. The person may say that it is one."""


class Unsure(Unanswered):
    """What was sent may not answer the question. Its text asks the person whether it does."""


@dataclass(frozen=True, slots=True)
class Page:
    """What the Create tab shows: a question, what its fields hold and what came of that; or at the end all answers.

    `changes`: the person came from the end, and goes back there.
    """

    number: int
    question: Question | None
    values: Sequence[str]
    refusal: Unanswered | None = None
    changes: bool = False
    answers: Sequence[tuple[Question, Sequence[str]]] = ()

    total: int = len(QUESTIONS)

    @property
    def asks(self) -> str:
        """What the person is asked about what they sent."""
        return str(self.refusal) if isinstance(self.refusal, Unsure) else ""

    @property
    def fault(self) -> str:
        """What was wrong with what they sent."""
        return "" if self.asks or not self.refusal else str(self.refusal)

    @property
    def insists(self) -> bool:
        """Whether they may use it anyway."""
        return isinstance(self.refusal, NoAnswer)

    @property
    def before(self) -> str:
        """The key of the question before; empty at the first."""
        return DONE if self.changes else KEYS[self.number - 2] if self.number > 1 else ""

    @property
    def after(self) -> str:
        """The key of what follows this question."""
        return DONE if self.changes else KEYS[self.number]


def is_guided(gpt: Gpt | None = None) -> bool:
    """Whether the model of `gpt`, or of a new one, is known to call no tools, so that it cannot fill in a form."""
    engine = gpt.engine if gpt and gpt.engine in offered(gpt.owner) else ""
    return abilities_of(engine).get("calls_tools") is False


def is_unfinished(gpt: Gpt) -> bool:
    """Whether the wizard began this draft and goes on with it: a question is open, and it was never published."""
    began = any(line.startswith(_start(BY_KEY["purpose"])) for line in gpt.instructions.split("\n"))
    return began and gpt.published is None and page_of(gpt).question is not None and is_guided(gpt)


def page_of(
    gpt: Gpt, key: str = "", changes: bool = False, sent: Sequence[str] = (), refusal: Unanswered | None = None
) -> Page:
    """The page with the question `key`, or the first that is open; with what was `sent` if that was refused."""
    if key not in KEYS:
        key = next((each.key for each in QUESTIONS if not any(_values(gpt, each))), DONE)
    question = BY_KEY.get(key)
    values = list(sent) if refusal else _values(gpt, question) if question else []
    if key == "starters" and not isinstance(refusal, Unsure):
        values = [*values, *[""] * STARTER_FIELDS][: max(STARTER_FIELDS, len(values))]
    answers = () if question else [(each, [*filter(None, _values(gpt, each))]) for each in QUESTIONS]
    return Page(KEYS.index(key) + 1, question, values, refusal, changes, answers)


def answer(gpt: Gpt, key: str, sent: Sequence[str], *, by: User, is_sure: bool = False) -> None:
    """Store the answer to the question `key` in the draft. Raises as `fields_for`, and stores nothing then."""
    is_stored = [*filter(None, sent)] == [*filter(None, _values(gpt, BY_KEY[key]))]
    try:
        update_gpt(gpt, fields_for(key, sent, gpt.instructions, is_sure=is_sure or is_stored), by=by)
    except ValidationError as error:
        gpt.refresh_from_db()
        raise Unanswered(" ".join(error.messages)) from error


def fields_for(key: str, sent: Sequence[str], instructions: str = "", *, is_sure: bool = False) -> dict[str, Any]:
    """The fields that an answer fills in, with its line in the `instructions`. Raises Unanswered, Unsure.

    `is_sure`: the person says that it is an answer.
    """
    question, texts = BY_KEY[key], [text.replace("\x00", "").strip() for text in sent]
    if key == "files":
        return {"only_from_knowledge": texts[:1] == ["only"]}
    texts = [*filter(None, _apart(texts) if key == "starters" else texts[:1])]
    said = _said(key, texts) or (texts if is_sure else [])
    if not said:
        raise (NoAnswer if texts else Unanswered)(gettext(question.fault))
    if not (is_sure or _is_clear(question, texts, said)):
        raise Unsure(gettext(question.asks).format(text=" · ".join(said)))
    match key:
        case "starters":
            return {"starters": said[:STARTERS]}
        case "name":
            return {"name": said[0]}
    fields = {"description": said[0]} if key == "purpose" else {}
    return {**fields, "instructions": _with_line(instructions, question, said[0])}


def _apart(texts: Iterable[str]) -> list[str]:
    return [part.strip() for text in texts for part in re.split(r"[;；\n]", text)]


def _said(key: str, texts: Sequence[str]) -> list[str]:
    """The answers in `texts`, without what stands around them."""
    return list(dict.fromkeys(filter(None, map(READERS[key], texts))))


def _is_clear(question: Question, texts: Sequence[str], said: Sequence[str]) -> bool:
    """Whether what was `said` in `texts` is certainly an answer: an example, or in its form what only answers are."""
    if texts[0] in map(gettext, question.examples):
        return True
    match question.key:
        case "starters":
            return len(said) > 1 and all(map(is_question, said))
        case "name":
            return is_full_name(said[0]) or len(said[0]) > NAME_CHARS  # which is refused anyway
        case "purpose" if tells_use(said[0]):
            return True
    is_long = n_content(said[0]) >= CLEAR_WORDS[question.key]
    return is_long and (question.key != "limits" or forbids(said[0]))


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
