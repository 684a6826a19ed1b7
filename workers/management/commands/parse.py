"""`manage.py parse FILE…`: shows how a file is read when uploaded, with the same confined process."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from gpts.knowledge.documents import Block, Document, Finding
from workers.isolation.errors import FileError
from workers.knowledge.parsing import Parsed, parse_file


class Command(BaseCommand):
    """Shows how files are read as knowledge; exits with 1 if any cannot be read."""

    help = "Shows how a file is read: its text with page and heading marks, notes and findings."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE")
        parser.add_argument("--json", action="store_true", help="print one JSON object per line for each file")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints every file; errors go to standard error."""
        failed = False
        for name in options["files"]:
            parsed, error = _read(name)
            failed |= parsed is None
            if options["json"]:
                self.stdout.write(json.dumps(_as_data(name, parsed, error)))
            elif parsed is None:
                self.stderr.write(f"{_printable(name)}: {error}")
            else:
                self.stdout.write(_printable(_as_text(name, parsed), "\n\t"))
        if failed:
            sys.exit(1)


def _read(name: str) -> tuple[Parsed | None, str]:
    """The parsed file, or None and why not."""
    try:
        return parse_file(Path(name)), ""
    except FileError as error:
        return None, str(error)
    except FileNotFoundError:
        return None, "File not found."
    except PermissionError:
        return None, "Permission denied."
    except OSError as error:
        return None, f"Can't open the file: {os.strerror(error.errno) if error.errno else error}."


def _as_data(name: str, parsed: Parsed | None, error: str) -> dict[str, Any]:
    if parsed is None:
        return {"file": name, "error": error}
    document = parsed.document
    text = document.text()
    return {
        "file": name,
        "type": parsed.type,
        "title": document.title,
        "unit": document.unit,
        "language": document.language,
        "n_pages": _n_pages(document),
        "text": text,
        "blocks": [block.model_dump(exclude={"also_asked", "pinned"}) for block in document.blocks],
        "notices": [notice.model_dump() for notice in document.notices],
        "findings": [
            finding.model_dump() | {"text": [text[start:end] for start, end in finding.spans]}
            for finding in document.findings
        ],
        "error": None,
    }


def _as_text(name: str, parsed: Parsed) -> str:
    document = parsed.document
    parts = [_head(name, parsed)]
    page = None
    for block in document.blocks:
        if block.page != page:
            page = block.page
            parts.append(f"--- {document.unit} {page} ---")
        parts.append(_marked(block))
    if document.notices:
        notices = [f"- {_where(document, notice.page)}{notice.message}" for notice in document.notices]
        parts.append("=== Warnings ===\n" + "\n".join(notices))
    if document.findings:
        text = document.text()
        parts.append("=== Findings ===\n" + "\n".join(_described(document, each, text) for each in document.findings))
    return "\n\n".join(parts)


def _head(name: str, parsed: Parsed) -> str:
    document = parsed.document
    pages = _n_pages(document)
    rows = {
        "File": _printable(name),
        "Type": parsed.type,
        "Title": document.title,
        "Language": document.language or "unknown",
        f"{document.unit.capitalize()}s": str(pages) if pages else "",
    }
    return "\n".join(f"{label}: {value}" for label, value in rows.items() if value)


def _marked(block: Block) -> str:
    """The block's text, a heading with as many # as its level."""
    return f"{'#' * (block.heading.count(' > ') + 1)} {block.text}" if block.is_heading() else block.text


def _described(document: Document, finding: Finding, text: str) -> str:
    """The finding with its text, or with the excerpt that explains or replaces it."""
    whole = finding.kind != "hidden_characters" and finding.spans
    pieces = [text[start:end] for start, end in finding.spans] if whole else [finding.excerpt]
    lines = [f"- {finding.severity}, {finding.kind}, {finding.id}: {_where(document, finding.page)}{finding.message}"]
    return "\n".join([*lines, *(f"    {piece}" for piece in pieces)])


def _where(document: Document, page: int | None) -> str:
    return f"{document.unit} {page}: " if page is not None else ""


def _n_pages(document: Document) -> int:
    return max((block.page for block in document.blocks if block.page is not None), default=0)


def _printable(text: str, kept: str = "") -> str:
    """`text` with control characters escaped, save those in `kept`: for file names and terminals."""
    return "".join(each if each.isprintable() or each in kept else ascii(each)[1:-1] for each in text)
