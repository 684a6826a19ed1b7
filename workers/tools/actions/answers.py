"""Turns a service's response into text for the model and Markdown for people."""

import json
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any, Final

from gpts.runs.steps import FileRef
from workers.egress import Response
from workers.tools import ToolOutput, escaped

MAX_ROWS: Final = 20
MAX_COLUMNS: Final = 6
MAX_CELL_CHARS: Final = 120
FILES_OUT: Final = "openaiFileResponse"
# The longest error message of a service that the model reads.
MAX_REASON_CHARS: Final = 1_500


def decoded(response: Response) -> Any:
    """The response as JSON values or text; None if it is empty or neither."""
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
    """Collects the text of a page without scripts and styles."""

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
    """The text of a page, one line per block."""
    parser = _Texts()
    parser.feed(text)
    lines = (" ".join(line.split()) for line in "".join(parser.pieces).splitlines())
    return "\n".join(line for line in lines if line)


def readable(value: Any) -> str:
    """The response as text for the model, with compact JSON. The caller checks its length."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def failure(response: Response, host: str, value: Any) -> str:
    """The message for a status of 400 or more."""
    why = {
        401: "rejected the sign-in", 403: "doesn't allow this", 404: "found nothing at this address",
        405: "doesn't allow this", 408: "timed out", 409: "reported a conflict",
        429: "is receiving too many requests; try again later",
    }.get(response.status, "had an internal error" if response.status >= 500 else "rejected the request")  # fmt: skip
    reason = readable(value)[:MAX_REASON_CHARS]
    return f"{host} {why} (status {response.status})." + (f" Response: {reason}" if reason else "")


def shown(value: Any) -> str:
    """The response as Markdown: a table, a short list, or the text."""
    if rows := _rows(value):
        return _table(rows)
    if isinstance(value, dict):
        lines = [f"- **{_cell(key)}**: {_cell(each)}" for key, each in list(value.items())[:MAX_ROWS]]
        return "\n".join([*lines, *_more(len(value))]) or "The response is empty."
    if isinstance(value, list):
        lines = [f"- {_cell(each)}" for each in value[:MAX_ROWS]]
        return "\n".join([*lines, *_more(len(value))]) or "No results."
    return escaped(str(value)[:4_000]) if value is not None else "Done."


def _rows(value: Any) -> list[dict[str, Any]]:
    """The objects of a list, or of the only list in an object; else nothing."""
    if isinstance(value, dict):
        lists = [each for each in value.values() if isinstance(each, list) and each]
        value = lists[0] if len(lists) == 1 else None
    is_table = isinstance(value, list) and value and all(isinstance(each, dict) and each for each in value)
    return value if is_table else []


def _table(rows: list[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(name for row in rows[:MAX_ROWS] for name in row))
    simple = [name for name in names if not any(isinstance(row.get(name), dict | list) for row in rows[:MAX_ROWS])]
    columns = (simple or names)[:MAX_COLUMNS]
    lines = [map(_cell, columns), ["---"] * len(columns)]
    lines += [[_cell(row.get(name, "")) for name in columns] for row in rows[:MAX_ROWS]]
    return "\n\n".join(["\n".join(f"| {' | '.join(line)} |" for line in lines), *_more(len(rows))])


def _more(n: int) -> list[str]:
    return [f"… and {n - MAX_ROWS} more."] if n > MAX_ROWS else []


def _cell(value: Any) -> str:
    text = " ".join(readable(value).split())
    text = text if len(text) <= MAX_CELL_CHARS else text[: MAX_CELL_CHARS - 1] + "…"
    return escaped(text)


def with_files(text: str, files: Sequence[FileRef]) -> str:
    """`text` with the names of the files that were kept."""
    kept = f"Files kept: {', '.join(file.name for file in files)}." if files else ""
    return "\n".join(filter(None, [text, kept]))


def from_outside(
    host: str, text: str, shown: str | None, files: Sequence[FileRef] = (), ok: bool = True
) -> ToolOutput:
    """The response of `host`, labelled as written by it and private to it."""
    return ToolOutput(
        text=text,
        shown=shown,
        files=tuple(files),
        untrusted=True,
        written_by=(f"the answer of {host}",),
        private=(f"action:{host}",),
        ok=ok,
    )
