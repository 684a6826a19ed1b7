"""Markdown, through markdown-it's tokens: what a reader sees, without marks, link targets, comments and HTML."""

import re
from collections.abc import Iterator
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from gpts.knowledge.documents import Document
from workers.knowledge.parsers.outline import Outline
from workers.knowledge.decoding import decode

_FRONT_MATTER: Final = re.compile(r"\A---\n(.*?)\n(?:---|\.\.\.)\n", re.S)
_FRONT_TITLE: Final = re.compile(r"^title:\s*[\"']?(.+?)[\"']?\s*$", re.M)


def parse(data: bytes) -> Document:
    """The document in a Markdown file: headings, paragraphs, lists, code and tables, and a front matter's title."""
    text = decode(data).replace("\r\n", "\n").replace("\r", "\n")
    outline = Outline()
    front = _FRONT_MATTER.match(text)
    if front:
        title = _FRONT_TITLE.search(front.group(1))
        outline.title = title.group(1) if title else ""
        text = text[front.end() :]
    tokens = iter(MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text))
    for token in tokens:
        _add(outline, token, tokens)
    return outline.document()


def _add(outline: Outline, token: Token, tokens: Iterator[Token]) -> None:
    if token.type == "heading_open":
        outline.heading(_visible(next(tokens)), int(token.tag[1]))
    elif token.type == "paragraph_open":
        outline.text(_visible(next(tokens)))
    elif token.type in ("fence", "code_block"):
        outline.lines(token.content)
    elif token.type in ("bullet_list_open", "ordered_list_open"):
        outline.lines("\n".join(_list_lines(token, tokens)))
    elif token.type == "table_open":
        outline.table(list(_rows(tokens)))


def _list_lines(opening: Token, tokens: Iterator[Token]) -> Iterator[str]:
    """A line per item of the list that `opening` opens, nested lists indented by their depth."""
    depth, number, mark = 0, [int(opening.attrGet("start") or 1)], ""
    for token in tokens:
        if token.type in ("bullet_list_open", "ordered_list_open"):
            depth += 1
            number.append(int(token.attrGet("start") or 1))
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            if depth == 0:
                return
            depth -= 1
            number.pop()
        elif token.type == "list_item_open":
            mark = f"{number[-1]}. " if token.info else "- "
            number[-1] += 1
        elif token.type in ("inline", "fence", "code_block"):
            text = _visible(token) if token.type == "inline" else token.content
            yield "  " * depth + (mark or "  ") + " ".join(text.split())
            mark = ""


def _rows(tokens: Iterator[Token]) -> Iterator[list[str]]:
    row: list[str] = []
    for token in tokens:
        if token.type == "table_close":
            return
        if token.type == "tr_open":
            row = []
        elif token.type == "inline":
            row.append(_visible(token))
        elif token.type == "tr_close":
            yield row


def _visible(inline: Token) -> str:
    """The text of an inline token as read on a page; an image gives its description."""
    parts = []
    for child in inline.children or []:
        if child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif child.type != "html_inline":
            parts.append(child.content)
    return "".join(parts)
