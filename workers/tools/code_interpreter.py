"""The tool with which a GPT runs Python: hands code and files to the sandbox service and tells what came of it."""

import time
from functools import cache
from pathlib import Path
from typing import Any, Final

from gpts.spec.tools import ToolSpec
from workers.sandbox.client import Client, CodeResult
from workers.sandbox.display import fenced
from workers.sandbox.errors import SandboxError, Unavailable
from workers.sandbox.kinds import mime_of
from workers.sandbox.settings import from_environment
from workers.tools import InputFile, Request, Tool, ToolContext, ToolError, ToolOutput

# What the model reads of one result, and what can stand as an answer.
_TEXT_CHARS: Final = 8_000
_SHOWN_CHARS: Final = 6_000
_MAX_FILE_BYTES: Final = 64 << 20
_PROGRESS_S: Final = 0.3


def unavailable() -> str:
    """Why no code can be run on this machine now, in a sentence; empty if it can."""
    return _client().why_not()


def run(arguments: dict[str, Any], context: ToolContext) -> ToolOutput:
    """Run the code with the conversation's files. Raises ToolError, and what `context.check` raises."""
    code = str(arguments.get("code") or "")
    if not code.strip():
        raise ToolError("There is no code: give Python in `code`.")
    files = {each.name: _content(each) for each in context.files}
    wall_s = min(SPEC.timeout_s, context.deadline_s) if context.deadline_s > 0 else SPEC.timeout_s
    context.progress("Running Python")
    try:
        answer = _client().run(context.session, code, files, wall_s, context.check, _Progress(context))
    except Unavailable as error:
        raise ToolError(f"Code cannot be run here. {error}") from error
    except SandboxError as error:
        raise ToolError(str(error)) from error
    kept = tuple(context.keep(each.name, mime_of(each.name, each.content), each.content) for each in answer.artefacts)
    return ToolOutput(
        text=_for_model(answer),
        shown=_for_reader(answer),
        files=kept,
        untrusted=any(each.untrusted for each in context.files),
        written_by=tuple(f"the file {each.name}" for each in context.files if each.untrusted),
        private=("the files",) if context.files else (),
        ok=not answer.error,
    )


def describe(arguments: dict[str, Any]) -> Request:
    """The code itself, for a person who is asked."""
    return Request("Run this Python in the closed sandbox", str(arguments.get("code", "")))


class _Progress:
    """Shows readers the last line that the code printed, a few times a second."""

    def __init__(self, context: ToolContext) -> None:
        self._context, self._last = context, 0.0

    def __call__(self, text: str) -> None:
        lines = text.strip().splitlines()
        if lines and time.monotonic() - self._last > _PROGRESS_S:
            self._last = time.monotonic()
            self._context.progress(lines[-1][:120])


def _content(file: InputFile) -> bytes:
    try:
        if file.path.stat().st_size > _MAX_FILE_BYTES:
            raise ToolError(f"{file.name} is larger than {_MAX_FILE_BYTES >> 20} MB; attach a smaller file.")
        return file.path.read_bytes()
    except OSError as error:
        raise ToolError(f"{file.name} can no longer be read; attach it again.") from error


def _for_model(answer: CodeResult) -> str:
    """What was printed, the last value, the error and the names of files, each part cut in the middle if too long."""
    parts = [answer.printed.rstrip(), answer.value, answer.complained.rstrip(), answer.error]
    text = "\n".join(_cut(each, _TEXT_CHARS // 2) for each in parts if each)
    made = f"Files made: {', '.join(each.name for each in answer.artefacts)}." if answer.artefacts else ""
    told = "\n".join(each for each in (_cut(text, _TEXT_CHARS), *answer.notes, made) if each)
    return told or "The code ran and printed nothing."


def _for_reader(answer: CodeResult) -> str:
    """Markdown that can stand as the answer: what was printed and the last value, or what went wrong."""
    parts = [_printed(answer.printed), _cut(answer.markdown, _SHOWN_CHARS)]
    if "\n" in answer.error:
        parts.append(f"The code did not work:\n\n{fenced(_cut(answer.error, _SHOWN_CHARS))}")
    elif answer.error:
        parts.append(_plain(answer.error))
    parts += answer.notes
    if answer.artefacts:
        parts.append(f"Made {_listed([f'**{_plain(each.name)}**' for each in answer.artefacts])}.")
    return "\n\n".join(each for each in parts if each) or "The code ran and printed nothing."


def _printed(text: str) -> str:
    """One short line of words or numbers stands by itself; more is a block."""
    text = _cut(text.strip("\n").rstrip(), _SHOWN_CHARS)
    if "\n" not in text and len(text) <= 200 and not set(text) & set("`*_[]<>|#\\&~!"):
        return text.strip()
    return text if _is_table(text) else fenced(text)


def _is_table(text: str) -> bool:
    """Whether the code printed a Markdown table."""
    lines = text.strip().splitlines()
    return len(lines) > 2 and set(lines[1]) <= set("|-: ") and all(line.startswith("|") for line in lines)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _plain(name: str) -> str:
    """A file's name without what Markdown would take for a sign."""
    return "".join(f"\\{char}" if char in "\\`*_[]<>#&~!" else char for char in name)


def _cut(text: str, n_chars: int) -> str:
    if len(text) <= n_chars:
        return text
    return f"{text[: n_chars * 2 // 3]}\n… ({len(text) - n_chars} characters left out) …\n{text[-(n_chars // 3) :]}"


@cache
def _client() -> Client:
    return Client(Path(from_environment().socket))


SPEC: Final = ToolSpec(
    name="code_interpreter",
    builtin="code_interpreter",
    title="Run Python",
    description=(
        "Runs Python in a closed sandbox and returns what it prints, its last value and the files it makes. Use it "
        "for every calculation, for statistics, dates and conversions, to read attached files, and to draw charts. "
        "numpy, pandas, matplotlib, openpyxl and Pillow are there; attached files lie in the working directory; "
        "variables stay from call to call. There is no network."
    ),
    parameters={
        "type": "object",
        "properties": {"code": {"type": "string", "description": "Python code; print what you want to know"}},
        "required": ["code"],
        "additionalProperties": False,
    },
    examples=(
        "What is 3847 * 291?",
        "How much is 15% of 240?",
        "What's the square root of 1764?",
        "Calculate the compound interest on 5000 at 3.5 % over 12 years",
        "What is the average and the standard deviation of 12, 15, 9, 22 and 18?",
        "Draw a bar chart of the sales by month",
        "Plot sin(x) from 0 to 10",
        "Which region had the highest revenue in the attached spreadsheet?",
        "Sum the amount column of this CSV by customer",
        "Show me the first rows of the file and describe its columns",
        "Convert 5 miles to kilometres",
        "How many days are there between 2024-01-05 and 2024-03-01?",
        "What weekday was 4 July 1976?",
        "Turn this CSV into an Excel file",
        "Make a histogram of the ages in the table",
        "Write a Python program that finds all primes below 500 and run it",
        "Remove the duplicate rows and give me the cleaned file",
        "Resize this picture to 300 by 200 pixels",
    ),
    reach="nothing",
    timeout_s=45.0,
)
TOOLS: Final[dict[str, Tool]] = {"code_interpreter": Tool(SPEC, run, describe)}
