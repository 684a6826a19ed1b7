"""The MIME type of a text, by its content alone.

Each test must be certain, because a wrong type damages what plain text would have kept: prose with commas parsed as a
table, or a letter that contains "Subject:" as e-mail.
"""

import csv
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

TEXT: Final = "text/plain"
MARKDOWN: Final = "text/markdown"
HTML: Final = "text/html"
CSV: Final = "text/csv"
JSON: Final = "application/json"
JSONL: Final = "application/jsonl"
EML: Final = "message/rfc822"
SOURCE: Final = "text/x-source"

HEAD_CHARS: Final = 64_000
_TABLE: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_MARKDOWN_SIGNS: Final = tuple(map(re.compile, _TABLE["markdown"]))
_CODE_SIGNS: Final = tuple(map(re.compile, _TABLE["code"]))
_HTML_START: Final = re.compile(
    r"\s*(?:(?><!--.*?-->)\s*+|<\?[a-z][^>]*+>\s*+)*+<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
_HTML_BLOCK: Final = re.compile(r"<(?:p|div|h[1-6]|table|ul|ol|section|article)\b[^<>]*>", re.I)
_XML_START: Final = re.compile(
    r"\s*(?:<\?xml\b|<!doctype\s+(?!html)\w|<(?:svg|rss|feed|project|configuration)\b)", re.I
)
_JSON_START: Final = re.compile(
    r'\s*(?:\{\s*(?:"(?:[^"\\]|\\.)*"\s*:|\}\s*\Z)|\[\s*(?:[\[{"\d\]]|-\d|true|false|null))'
)
_JSONL_LINE: Final = re.compile(r"\s*[\[{].*[\]}]\s*\Z")
_HEADER: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*:(?:[ \t]|$)")
_MAIL_HEADERS: Final = frozenset(_TABLE["mail_headers"])
_MARKDOWN_TABLE: Final = re.compile(r"^[ \t]*+\|?[ \t:]*+-[-: \t]*+\|[-:| \t]*+$", re.M)
_FRONT_MATTER: Final = re.compile(r"\A---\n(?:[\w-]+:.*\n|[ \t-].*\n)+(?:---|\.\.\.)\n")
_SHEBANG: Final = re.compile(r"#!.*\b(?:sh|bash|zsh|python|node|perl|ruby|env)\b")
_CODE_COMMENT: Final = re.compile(r"\s*(?://|/\*|\*/|\* )|\s*#(?: |!)|\s*--\s")
_INI: Final = re.compile(r"\s*\[[\w .:\"'/-]+\]{1,2}\s*$")
_SETTING: Final = re.compile(r"\s*[\w.\"'-]+\s*=\s*\S.*$")
_YAML: Final = re.compile(r"\s*(?:- )?[\w.\"'/-]+:(?:\s+\S.*)?$|\s*- \S.*$")
_YAML_KEY: Final = re.compile(r"\s*(?:- )?[a-z_][\w.-]*:(?:\s|$)")
_DELIMITERS: Final = (",", ";", "\t", "|")


def text_type(text: str) -> str:
    """The MIME type of `text`, one of the constants above."""
    head = text[:HEAD_CHARS]
    if _HTML_START.match(head):
        return HTML
    if _is_json(head):
        return JSONL if _is_jsonl(head, len(text) > len(head)) else JSON
    if _is_mail(head):
        return EML
    if _XML_START.match(head) or _SHEBANG.match(head):
        return SOURCE
    n_signs = sum(bool(sign.search(head)) for sign in _MARKDOWN_SIGNS)
    if n_signs < 2 and len(_HTML_BLOCK.findall(head)) >= 3 and head.lstrip().startswith("<"):
        return HTML
    has_table = bool(_MARKDOWN_TABLE.search(head))
    if n_signs < 2 and not has_table and delimiter(text):
        return CSV
    is_code = _is_code(head)
    if not is_code and (n_signs >= 2 or has_table or _FRONT_MATTER.match(head) or re.match(r"#{1,2} \S", head)):
        return MARKDOWN
    if is_code:
        return SOURCE
    return HTML if len(_HTML_BLOCK.findall(head)) >= 3 else TEXT


def _is_json(head: str) -> bool:
    if not _JSON_START.match(head):
        return False
    # "[1] A footnote" and "[Draft]" begin like an array.
    marks = Counter(head[:4_000])
    structure = marks["{"] + marks["["] + marks[":"] + marks[","]
    return (
        marks['"'] >= 2
        or structure > 3 * max(1, sum(map(str.isalpha, head[:4_000])) // 4)
        or bool(re.fullmatch(r"[\s\d.,eE+\[\]{}-]+", head))
    )


def _is_jsonl(head: str, is_cut: bool) -> bool:
    lines = [line for line in head.splitlines() if line.strip()]
    if is_cut:
        lines = lines[:-1]
    return len(lines) >= 2 and all(_JSONL_LINE.match(line) for line in lines[:50]) and lines[0].strip() not in "[{"


def _is_mail(head: str) -> bool:
    """Whether `head` begins with lines of mail headers up to a blank line, three known ones among them."""
    names: list[str] = []
    lines = head.lstrip("\r\n").splitlines()
    for number, line in enumerate(lines[:300]):
        if not line.strip():
            break
        if line[0] in " \t" or (number == 0 and line.startswith("From ")):
            continue
        if not _HEADER.match(line):
            return False
        names.append(line.split(":", 1)[0].lower())
    known = _MAIL_HEADERS.intersection(names)
    return len(known) >= 3 and bool(known & {"from", "received", "message-id", "return-path"})


def _is_code(head: str) -> bool:
    # Lines are cut, because the patterns take time quadratic in their length.
    lines = [line[:300] for line in head.splitlines()[:400] if line.strip()]
    if len(lines) < 3:
        return bool(lines) and len(head) > 500 and head.count(";") + head.count("{") > len(head) / 60
    n_code = sum(any(sign.match(line) for sign in _CODE_SIGNS) for line in lines)
    n_comments = sum(bool(_CODE_COMMENT.match(line)) for line in lines)
    if n_code >= 2 and n_code + n_comments >= 0.4 * len(lines):
        return True
    n_settings = sum(bool(_SETTING.match(line)) for line in lines)
    if any(_INI.match(line) for line in lines) and n_settings >= 0.4 * (len(lines) - n_comments):
        return True
    n_yaml = sum(bool(_YAML.match(line)) for line in lines)
    n_keys = sum(bool(_YAML_KEY.match(line)) for line in lines)
    indented = any(line.startswith(("  ", "- ")) for line in lines)
    return n_keys >= 0.5 * len(lines) and n_yaml + n_comments >= 0.85 * len(lines) and indented


def delimiter(text: str) -> str:
    """The delimiter of `text` if it is a table of delimited values, else ""."""
    best, highest = "", 0.0
    head = text[:HEAD_CHARS]
    for mark in _DELIMITERS:
        if mark in head and (score := _table_score(head, mark, len(text) > len(head))) > highest:
            best, highest = mark, score
    return best


def _table_score(head: str, mark: str, is_cut: bool) -> float:
    """How certainly `head` is a table delimited by `mark`, 0 if not: rows of one width, cells that are no prose."""
    rows = list(_rows(head, mark))
    if is_cut:
        rows = rows[:-1]
    if len(rows) < 2:
        return 0.0
    widths = Counter(map(len, rows))
    width, n_alike = widths.most_common(1)[0]
    if width < 2 or n_alike < 0.8 * len(rows) or (width == 2 and len(rows) < 3):
        return 0.0
    cells = [cell.strip() for row in rows if len(row) == width for cell in row]
    if mark != "\t" and _is_prose(cells, quoted='"' in head):
        return 0.0
    return n_alike / len(rows) * (1 + min(width, 20) / 20)


def _rows(head: str, mark: str) -> Iterator[list[str]]:
    try:
        reader = csv.reader(head.splitlines(keepends=True), delimiter=mark)
        yield from islice((row for row in reader if row), 200)
    except csv.Error:
        return


def _is_prose(cells: list[str], quoted: bool) -> bool:
    """Whether the cells look like parts of sentences: many words, final stops, initial conjunctions."""
    n_full = max(1, sum(bool(cell) for cell in cells))
    n_stops = sum(cell.endswith((".", "!", "?", ":")) and " " in cell for cell in cells)
    n_joined = sum(cell.startswith(("and ", "or ", "but ", "und ", "oder ", "et ", "ou ", "y ")) for cell in cells)
    n_words = sum(cell.count(" ") + 1 for cell in cells if cell)
    n_numbers = sum(bool(re.fullmatch(r"[-+$€£]?[\d.,:/%-]+", cell)) for cell in cells)
    if n_numbers > 0.2 * n_full:
        return False
    return not quoted and (n_stops + n_joined > 0.12 * n_full or n_words > 9 * n_full)
