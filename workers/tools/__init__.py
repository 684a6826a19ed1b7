"""The interface of tools, and TOOLBOXES, the list of the kinds of tools that workers can run."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from gpts.knowledge.documents import Passage
from gpts.runs.forms import Form
from gpts.runs.steps import Approval, AppView, FileRef
from gpts.safety.invisible_characters import exposed
from gpts.safety.labels import Label
from gpts.spec.actions import MESSAGE_CHARS
from gpts.spec.gpt import GptSpec, KnowledgeRef
from gpts.spec.tools import ToolSpec

if TYPE_CHECKING:
    # The confined process that reads web pages imports this package without what calls need.
    from workers.tools.settings import ToolSettings


class ToolError(Exception):
    """The call failed. The message is the result that the model reads, and says what to do.

    `written_by` names the outside source of a part of it ("the answer of example.org"); empty if there is none.
    """

    def __init__(self, message: str, written_by: str = "") -> None:
        super().__init__(message)
        self.written_by = written_by


class SignInNeeded(ToolError):
    """The user must sign in to the action's host first."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that a call may read: an attachment, a file made by an earlier call, or one of the GPT's own.

    `text` refers to what was read of it, if that is more than nothing.
    """

    name: str
    path: Path
    untrusted: bool = True
    text: KnowledgeRef | None = None


# Who wrote a list of them: their senders, uploaders and sources.
NAMES: Final = "the names of files"


def _nothing_remembered(text: str) -> str:
    raise ToolError("Nothing can be remembered in this chat.")


def _no_draft(fields: Mapping[str, Any]) -> str:
    raise ToolError("No GPT is being made in this chat.")


def _no_text(file: KnowledgeRef) -> Passage:
    raise ToolError("No file can be read in this chat.")


class Keep(Protocol):
    """Stores bytes as a file of the conversation. `untrusted`: outsiders may have written some of it."""

    def __call__(self, name: str, mime: str, data: bytes, *, untrusted: bool = False) -> FileRef:
        """The stored file."""


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a call gets besides its arguments, without secrets.

    `session` identifies the conversation, for tools with state, and `n_sessions` is how many the person may have with
    state in memory (None: no limit). `check` raises when the run was stopped; long calls call it several times a
    second, and `progress` with a short text for the reader. `keep` stores bytes as a file of the conversation.
    `remember` keeps a sentence for later chats, and returns it as kept. `update_draft` changes fields of the draft
    that the conversation builds, and returns what came of it. `answers` are the person's, if the call is a
    form, and `ask` shows them another one and waits for a while, where that is possible. `question` is the user's
    message, by which tools choose parts of long pages. `label` is that of the conversation, for tools whose state
    outlives it. `room_chars` is what the model reads of a result. `whole` gives the text of one of the files, and
    raises FileError.
    """

    call_id: str
    session: str
    user_id: int
    spec: GptSpec
    deadline_s: float
    files: tuple[InputFile, ...] = ()
    check: Callable[[], None] = lambda: None
    progress: Callable[[str], None] = lambda text: None
    keep: "Keep" = field(default=lambda name, mime, data, *, untrusted=False: FileRef(name=name, mime=mime))
    remember: Callable[[str], str] = _nothing_remembered
    update_draft: Callable[[Mapping[str, Any]], str] = _no_draft
    question: str = ""
    label: Label = field(default_factory=Label)
    n_sessions: int | None = None
    room_chars: int = 12_000
    whole: Callable[[KnowledgeRef], Passage] = _no_text
    answers: Mapping[str, Any] = field(default_factory=dict)
    ask: Callable[[Form], Approval] | None = None


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """The result of a call.

    `text` is for the model. `passages` can be cited like those of files. `shown` is Markdown that serves as the
    answer where the model cannot write one from sources: if empty, the passages are quoted; if None, the model must
    write it. `private` names sources whose content must not go elsewhere ("action:crm.example.org"). `untrusted`:
    outsiders may have written some of it; `written_by` names them for people ("the page example.org/news"). `app` is
    the server's own page that shows it. `is_cut`: the model reads only a part, and the whole is one of the `files`.
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
    app: AppView | None = None
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """A call as the approval card shows it: in plain language and in full, without secrets.

    Characters that nobody sees, or that change the order of others, are escaped.
    """

    plain: str
    raw: str

    def __post_init__(self) -> None:
        for name in ("plain", "raw"):
            object.__setattr__(self, name, exposed(getattr(self, name)))


# The longest value in the plain description of a call, in characters; `raw` has it in full.
_SHOWN_CHARS: Final = 300


def in_words(arguments: dict[str, Any]) -> str:
    """The arguments of a call, one line each. No name or value can imitate another line."""
    lines = ((one_line(name.replace("_", " ")), one_line(value)) for name, value in arguments.items())
    return "\n".join(f"{name}: {value}" for name, value in lines)


def describe(arguments: dict[str, Any]) -> Request:
    """A call by nothing but its arguments."""
    return Request(in_words(arguments), as_json(arguments))


def one_line(value: Any) -> str:
    """A value on one line, shortened to _SHOWN_CHARS."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ⏎ ".join(text.splitlines())
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}… ({len(text):,} characters)"


def as_json(value: Any) -> str:
    """`value` as indented JSON for people."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def escaped(text: str, more: str = "") -> str:
    """`text` with the characters that Markdown acts on, and those in `more`, escaped."""
    return re.sub(rf"([\\`*_\[\]<>!#~|{re.escape(more)}])", r"\\\1", text)


def check_length(text: str, what: str) -> None:
    """Raise ToolError if `text` is longer than a message to or from a service may be."""
    if len(text) >= MESSAGE_CHARS:
        raise ToolError(f"{what} is too long: {len(text):,} characters; fewer than {MESSAGE_CHARS:,} are allowed.")


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool's spec, the function that performs a call, and the one that describes it for approval.

    `run` raises ToolError and may be called from several threads. `refusal` returns why a call with these arguments
    can only fail, so that nobody is asked to approve it; empty if it may succeed.
    """

    spec: ToolSpec
    run: Callable[[dict[str, Any], ToolContext], ToolOutput]
    describe: Callable[[dict[str, Any]], Request] = describe
    refusal: Callable[[dict[str, Any]], str] = lambda arguments: ""


# Modules with a function `granted(spec, settings)` that returns a GPT's tools. Imported on use.
TOOLBOXES: Final = ("workers.tools.builtin", "workers.tools.actions", "workers.tools.mcp", "workers.tools.a2a")


def granted(spec: GptSpec, settings: "ToolSettings") -> dict[str, Tool]:
    """The tools that a GPT of this spec may call, by name."""
    tools: dict[str, Tool] = {}
    for module in TOOLBOXES:
        tools |= import_module(module).granted(spec, settings)
    return tools
