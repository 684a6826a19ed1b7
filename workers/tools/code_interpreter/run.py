"""The tool `code_interpreter`: sends code and files to the sandbox service and describes the result."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from gpts.safety.labels import Label, join, untrusted
from gpts.safety.policy import listed
from workers.sandbox.client import Client
from workers.sandbox.display import fenced
from workers.sandbox.errors import SandboxError, Unavailable
from workers.sandbox.media_types import mime_of
from workers.sandbox.session import CodeResult, CodeTerms
from workers.tools import InputFile, ToolContext, ToolError, ToolOutput, escaped
from workers.tools.settings import ToolSettings

NO_OUTPUT: Final = "The code ran and printed nothing."
# The longest result for the reader.
_SHOWN_CHARS: Final = 6_000
_PROGRESS_S: Final = 0.3
_NO_FILE: Final = "FileNotFoundError"
_NAMES_CHARS: Final = 2_000


def unavailable(settings: ToolSettings) -> str:
    """Why no code can be run on this machine, for users; empty if it can."""
    return Client(settings.sandbox).why_not()


def run(arguments: dict[str, Any], context: ToolContext, settings: ToolSettings) -> ToolOutput:
    """Run the code with the conversation's files. Raises ToolError, and what `context.check` raises."""
    code = str(arguments.get("code") or "")
    if not code.strip():
        raise ToolError("Give the Python code in `code`.")
    files = {each.name: _existing(each) for each in context.files}
    context.progress("Running Python")
    try:
        client, progress = Client(settings.sandbox), _Progress(context)
        terms = CodeTerms(_label(context), context.n_sessions)
        answer = client.run(context.session, code, files, context.deadline_s, context.check, progress, terms)
    except Unavailable as error:
        raise ToolError(f"Code can't be run on this site. {error}") from error
    except SandboxError as error:
        raise ToolError(str(error)) from error
    kept = tuple(
        context.keep(each.name, mime_of(each.name, each.content), each.content, untrusted=answer.label.is_untrusted)
        for each in answer.artefacts
    )
    return ToolOutput(
        text=_for_model(answer, list(files)),
        shown=_for_reader(answer),
        files=kept,
        untrusted=answer.label.is_untrusted,
        written_by=answer.label.written_by,
        private=answer.label.private,
        ok=not answer.error,
    )


def _label(context: ToolContext) -> Label:
    """The label of what the code may read in this call: the conversation and the files."""
    authors = [f"the file {each.name}" for each in context.files if each.untrusted]
    files = Label(private=("the files",) if context.files else ())
    return join((context.label, files, untrusted(*authors) if authors else Label()))


class _Progress:
    """Shows readers the last printed line, at most every _PROGRESS_S."""

    def __init__(self, context: ToolContext) -> None:
        self._context, self._last = context, 0.0

    def __call__(self, text: str) -> None:
        lines = text.strip().splitlines()
        if lines and time.monotonic() - self._last > _PROGRESS_S:
            self._last = time.monotonic()
            self._context.progress(lines[-1][:120])


def _existing(file: InputFile) -> Path:
    """The path of a file that is there. Raises ToolError."""
    if not file.path.is_file():
        raise ToolError(f"{file.name} no longer exists. Attach it again.")
    return file.path


def _for_model(answer: CodeResult, given: Sequence[str]) -> str:
    """The error, notes and the names of files, then the output and the last value: long results are cut at the end.

    Code that misses a file is told which ones were `given`: a GPT's own are there only for people who may have them.
    """
    output = [answer.stdout.rstrip(), answer.value, answer.stderr.rstrip()]
    files = f"Files made: {', '.join(each.name for each in answer.artefacts)}." if answer.artefacts else ""
    there = f"Files here: {_cut(', '.join(given), _NAMES_CHARS) or 'none'}." if _NO_FILE in answer.error else ""
    return "\n".join(filter(None, (answer.error, *answer.notes, there, files, *output))) or NO_OUTPUT


def _for_reader(answer: CodeResult) -> str:
    """Markdown with the output and the last value, or the error."""
    parts = [_printed(answer.stdout), _cut(answer.markdown, _SHOWN_CHARS)]
    if "\n" in answer.error:
        parts.append(f"The code failed:\n\n{fenced(_cut(answer.error, _SHOWN_CHARS))}")
    elif answer.error:
        parts.append(escaped(answer.error))
    parts += answer.notes
    if answer.artefacts:
        parts.append(f"Made {listed(f'**{escaped(each.name)}**' for each in answer.artefacts)}.")
    return "\n\n".join(filter(None, parts)) or NO_OUTPUT


def _printed(text: str) -> str:
    """Plain text for one short line; a table as it is; else a code block."""
    text = _cut(text.strip("\n").rstrip(), _SHOWN_CHARS)
    if "\n" not in text and len(text) <= 200 and not set(text) & set("`*_[]<>|#\\&~!"):
        return text.strip()
    return text if _is_table(text) else fenced(text)


def _is_table(text: str) -> bool:
    """Whether the code printed a Markdown table."""
    lines = text.strip().splitlines()
    return len(lines) > 2 and set(lines[1]) <= set("|-: ") and all(line.startswith("|") for line in lines)


def _cut(text: str, n_chars: int) -> str:
    if len(text) <= n_chars:
        return text
    return f"{text[: n_chars * 2 // 3]}\n… ({len(text) - n_chars} characters left out) …\n{text[-(n_chars // 3) :]}"
