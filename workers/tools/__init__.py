"""The tools that workers can run. TOOLBOXES is the only registry: one line for each kind of tool."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gpts.knowledge.documents import Passage
from gpts.runs.steps import FileRef
from gpts.spec.actions import MESSAGE_CHARS
from gpts.spec.gpt import GptSpec
from gpts.spec.tools import ToolSpec

if TYPE_CHECKING:
    # The process apart that reads strangers' pages imports this package too, and needs nothing of what a call needs.
    from workers.tools.settings import ToolSettings


class ToolError(Exception):
    """The call failed; the message is the result that the model reads. One sentence that says what to do.

    `written_by` names the stranger whose words are part of it ("the answer of example.org"); empty: nobody's.
    """

    def __init__(self, message: str, written_by: str = "") -> None:
        super().__init__(message)
        self.written_by = written_by


class SignInNeeded(ToolError):
    """The person must sign in at the action's host first."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that a call may read: what the person attached, what earlier calls made, the GPT's own files."""

    name: str
    path: Path
    untrusted: bool = True


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a call may know and use besides its arguments. No secrets: those are attached where the request is made.

    `session` names the conversation, for tools that keep a state. `check` raises when the run was stopped; a long
    call calls it several times a second. `progress` tells readers in a few words what is being done, also several
    times a second. `keep` stores bytes as a file of the conversation and returns what the log says of it.
    """

    call_id: str
    session: str
    user_id: int
    spec: GptSpec
    deadline_s: float
    files: tuple[InputFile, ...] = ()
    check: Callable[[], None] = lambda: None
    progress: Callable[[str], None] = lambda text: None
    keep: Callable[[str, str, bytes], FileRef] = field(default=lambda name, mime, data: FileRef(name=name, mime=mime))
    # The question in the person's own words, for tools that choose what of a long page to hand on.
    question: str = ""


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """What a call gave.

    `text` is what the model reads. `passages` can be cited like those of files. `shown` is Markdown that can stand as
    an answer by itself where the model is too small to be trusted with wording; empty: the passages are quoted
    instead; None: there is nothing to show and the model must word it. `private`: names of the sources whose content
    is not for other destinations ("action:crm.example.org"). `untrusted`: outsiders may have written some of it; they
    are named in `written_by` for the person ("the page example.org/news").
    """

    text: str
    shown: str | None = None
    passages: tuple[Passage, ...] = ()
    files: tuple[FileRef, ...] = ()
    urls: tuple[str, ...] = ()
    untrusted: bool = True
    written_by: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    ok: bool = True


@dataclass(frozen=True, slots=True)
class Request:
    """A call in plain words and exactly, for the person who is asked to allow it. Never with secrets."""

    plain: str
    raw: str


# A value of a call as a person is shown it in words, in characters; the exact request has the whole.
_SHOWN_CHARS: Final = 300


def in_words(arguments: dict[str, Any]) -> str:
    """The arguments of a call, a line each. No value can look like a line of its own."""
    return "\n".join(f"{name.replace('_', ' ')}: {one_line(value)}" for name, value in arguments.items())


def one_line(value: Any) -> str:
    """A value on one line, cut where a person would not read on."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ⏎ ".join(text.splitlines())
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}… ({len(text):,} characters)"


def as_json(value: Any) -> str:
    """A value of a call as a person reads it exactly."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def check_length(text: str, what: str) -> None:
    """Raises ToolError where `text` is longer than a message with a service may be."""
    if len(text) >= MESSAGE_CHARS:
        raise ToolError(f"{what} has {len(text):,} characters; it must stay below {MESSAGE_CHARS:,}.")


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool's description, the function that performs a call, and the one that tells a person what it would do.

    `run` raises ToolError. Its parallel calls run in threads of one process.
    """

    spec: ToolSpec
    run: Callable[[dict[str, Any], ToolContext], ToolOutput]
    describe: Callable[[dict[str, Any]], Request] = lambda arguments: Request(in_words(arguments), as_json(arguments))


# Modules whose `granted(spec, settings)` gives the tools that a GPT was granted. Imported on use.
TOOLBOXES: Final = ("workers.tools.builtin", "workers.tools.actions", "workers.tools.mcp", "workers.tools.a2a")


def granted(spec: GptSpec, settings: "ToolSettings") -> dict[str, Tool]:
    """The tools that a GPT of this spec may call, by name."""
    tools: dict[str, Tool] = {}
    for module in TOOLBOXES:
        tools |= import_module(module).granted(spec, settings)
    return tools
