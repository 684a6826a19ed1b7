"""Markdown, through markdown-it's tokens: what a reader sees, without marks, link targets and comments.

HTML inside it is read by the HTML parser, which finds hidden text.
"""

import re
from collections.abc import Iterator
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from gpts.knowledge.documents import Document
from workers.knowledge.parsers.html.document import read_page
from workers.knowledge.parsers.outline import Outline, fence, text_of
from workers.knowledge.parsers.text import add_paragraph

_FRONT_MATTER: Final = re.compile(r"\A---\n(.*?)\n(?:---|\.\.\.)\n", re.S)
_COMMENT: Final = re.compile(r"<!--(.*?)(?:-->|\Z)", re.S)
_COMMENT_WORDS: Final = 4
_STYLED: Final = re.compile(r"\b(?:style|hidden|class|color)\b", re.I)
_NAME: Final = re.compile(r"(?=[^a-z]*[a-z])\w+")
_FRONT_TITLE: Final = re.compile(r"^title:[ \t]*(\S.*)$", re.M)


def parse(data: bytes) -> Document:
    """The document in a Markdown file, with the front matter's title."""
    outline = Outline()
    text = text_of(data, outline).replace("\r\n", "\n").replace("\r", "\n")
    front = _FRONT_MATTER.match(text)
    if front:
        title = _FRONT_TITLE.search(front.group(1))
        outline.title = title.group(1).strip().strip("\"'") if title else ""
        text = text[front.end() :]
    markdown = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    parsed = markdown.parse(text)
    comments = [found for token in _html(parsed) for found in _COMMENT.findall(token.content)]
    if any(len(comment.split()) >= _COMMENT_WORDS for comment in comments):
        outline.leave_out(" … ".join(" ".join(comment.split()) for comment in comments), "comments")
    tokens = iter(parsed)
    for token in tokens:
        if token.type == "html_block":
            read_page(_COMMENT.sub(" ", token.content), outline)
        elif token.type == "paragraph_open" and (inline := next(tokens)) and _is_styled(inline):
            read_page(f"<p>{markdown.renderer.render([inline], markdown.options, {})}</p>", outline)
        elif token.type == "paragraph_open":
            add_paragraph(outline, _visible(inline, "\n").split("\n"))
        else:
            _add(outline, token, tokens)
    return outline.document()


def _html(tokens: list[Token]) -> Iterator[Token]:
    """The tokens of HTML, including those inside paragraphs."""
    for token in tokens:
        if token.type == "html_block":
            yield token
        yield from (child for child in token.children or () if child.type == "html_inline")


def _is_styled(inline: Token) -> bool:
    """Whether HTML in the paragraph may hide some of its text."""
    return any(_STYLED.search(child.content) for child in inline.children or () if child.type == "html_inline")


def _add(outline: Outline, token: Token, tokens: Iterator[Token]) -> None:
    if token.type == "heading_open":
        outline.heading(_visible(next(tokens)), int(token.tag[1]))
    elif token.type in ("fence", "code_block"):
        outline.code(token.content, token.info.strip())
    elif token.type in ("bullet_list_open", "ordered_list_open"):
        outline.listing(_list_lines(token, tokens))
    elif token.type == "table_open":
        outline.table(list(_rows(tokens)))


def _list_lines(opening: Token, tokens: Iterator[Token]) -> Iterator[tuple[str, str | None]]:
    """A line per item of the list that `opening` opens, nested lists indented by their depth; see `listing`."""
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
            is_text = token.type == "inline"
            opening_line = None if is_text else fence(token.info.strip(), "  " * (depth + 1))
            for line in [_visible(token)] if is_text else token.content.splitlines():
                yield "  " * depth + (mark or "  ") + line, opening_line
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


def _visible(inline: Token, line_break: str = " ") -> str:
    """The text of an inline token as shown; an image gives its description.

    Underscores around a single word stay: they may be part of a name in code, such as `__init__()`.
    """
    children = [child for child in inline.children or [] if child.type != "html_inline"]
    texts = []
    for before, child, after in zip([None, *children], children, [*children[1:], None], strict=False):
        word = after if child.nesting == 1 else before
        if child.type in ("softbreak", "hardbreak"):
            texts.append(line_break)
        elif child.markup in ("_", "__") and word is not None and _NAME.fullmatch(word.content):
            texts.append(child.markup)
        else:
            texts.append(child.content)
    return "".join(texts)
