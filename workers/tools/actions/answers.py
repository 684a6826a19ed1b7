"""What a service answered -> what the model reads, what a person is shown, and the files in it."""

import json
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any, Final

from gpts.runs.steps import FileRef
from workers.egress import Response
from workers.tools import ToolOutput
from workers.tools.markdown import escaped

MAX_ROWS: Final = 20
MAX_COLUMNS: Final = 6
MAX_CELL_CHARS: Final = 120
FILES_OUT: Final = "openaiFileResponse"
# Longest reason that a service gave for a failure and that is handed on.
MAX_REASON_CHARS: Final = 1_500


def decoded(response: Response) -> Any:
    """The answer as JSON values, or as a text; None for an empty one or one that is neither."""
    if not response.content:
        return None
    kind = response.content_type
    text = response.content.decode(_charset(response), errors="replace").replace("\x00", "")
    if "json" in kind or (not kind and text[:1] in "{["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    if kind in ("text/html", "application/xhtml+xml"):
        return html_text(text)
    return text if kind.startswith("text/") or "xml" in kind or not kind else None


def _charset(response: Response) -> str:
    found = re.search(r"charset=\"?([\w.-]+)", response.headers.get("content-type", ""))
    try:
        return "utf-8" if not found or not "".encode(found[1]).isascii() else found[1]
    except LookupError:
        return "utf-8"


class _Texts(HTMLParser):
    """The text of a page without scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._silent += tag in ("script", "style", "template", "noscript")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style", "template", "noscript") and self._silent > 0
        if tag in ("p", "div", "li", "tr", "h1", "h2", "h3", "br", "title"):
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(data)


def html_text(text: str) -> str:
    """What a page says."""
    parser = _Texts()
    parser.feed(text)
    lines = (" ".join(line.split()) for line in "".join(parser.pieces).splitlines())
    return "\n".join(line for line in lines if line)


def readable(value: Any) -> str:
    """The answer as the model reads it, JSON compact. The caller has seen to its size."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def failure(response: Response, host: str, value: Any) -> str:
    """A status of 400 or more as sentences."""
    why = {
        400: "did not accept the request", 401: "did not accept the sign-in", 403: "does not allow this",
        404: "has nothing at this address", 405: "does not allow this", 408: "took too long",
        409: "reports a conflict",
        422: "did not accept the request", 429: "wants fewer requests; try again later",
    }.get(response.status, "failed inside" if response.status >= 500 else "refused the request")  # fmt: skip
    reason = readable(value)[:MAX_REASON_CHARS]
    return f"{host} {why} (status {response.status})." + (f" It says: {reason}" if reason else "")


def shown(value: Any) -> str:
    """The answer as Markdown that can stand by itself: a table, a short list, or the text."""
    rows = _rows(value)
    if rows:
        return _table(rows)
    if isinstance(value, dict):
        lines = [f"- **{_cell(key)}**: {_cell(each)}" for key, each in list(value.items())[:MAX_ROWS]]
        return "\n".join([*lines, *_more(len(value))]) or "The answer is empty."
    if isinstance(value, list):
        return (
            "\n".join([*(f"- {_cell(each)}" for each in value[:MAX_ROWS]), *_more(len(value))])
            or "Nothing was found."
        )
    return escaped(str(value)[:4_000]) if value is not None else "Done."


def _rows(value: Any) -> list[dict[str, Any]]:
    """The list of objects that the answer is, or that is its one list of objects."""
    if isinstance(value, dict):
        lists = [each for each in value.values() if isinstance(each, list) and each]
        value = lists[0] if len(lists) == 1 else None
    is_table = isinstance(value, list) and value and all(isinstance(each, dict) and each for each in value)
    return value if is_table else []


def _table(rows: list[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(name for row in rows[:MAX_ROWS] for name in row))
    simple = [name for name in names if not any(isinstance(row.get(name), dict | list) for row in rows[:MAX_ROWS])]
    columns = (simple or names)[:MAX_COLUMNS]
    lines = [columns, ["---"] * len(columns)]
    lines += [[row.get(name, "") for name in columns] for row in rows[:MAX_ROWS]]
    text = "\n".join(
        "| " + " | ".join("---" if cell == "---" else _cell(cell) for cell in line) + " |" for line in lines
    )
    return "\n\n".join([text, *_more(len(rows))])


def _more(n: int) -> list[str]:
    return [f"… and {n - MAX_ROWS} more."] if n > MAX_ROWS else []


def _cell(value: Any) -> str:
    text = " ".join(readable(value).split())
    text = text if len(text) <= MAX_CELL_CHARS else text[: MAX_CELL_CHARS - 1] + "…"
    return escaped(text)


def with_files(text: str, files: Sequence[FileRef]) -> str:
    """`text`, and what files were kept besides."""
    told = [f"Files kept: {', '.join(file.name for file in files)}."] if files else []
    return "\n".join([*filter(None, [text]), *told])


def from_outside(
    host: str, text: str, shown: str | None, files: Sequence[FileRef] = (), ok: bool = True
) -> ToolOutput:
    """What `host` gave, labelled as written there and as private to it."""
    return ToolOutput(
        text=text,
        shown=shown,
        files=tuple(files),
        untrusted=True,
        written_by=(f"the answer of {host}",),
        private=(f"action:{host}",),
        ok=ok,
    )
