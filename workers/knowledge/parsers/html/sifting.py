"""Removes from a page's tree what readers don't see, and gives the text of the rest.

Nothing here recurses, so that a page nested 50,000 levels deep takes linear time.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from bs4 import BeautifulSoup
from bs4.element import Comment, Doctype, NavigableString, PreformattedString, Script, Stylesheet, Tag

from workers.knowledge.parsers.html.hiding import BEHIND, ComputedStyle, Unseen, computed_style, covers
from workers.knowledge.parsers.html.styles import WORDS, LoadSheet, PageStyles, classes, styles_of
from workers.knowledge.parsers.outline import Outline

BLOCKS: Final = frozenset(WORDS["blocks"])
_COMMENTS: Final = "comments"
_ATTRIBUTES: Final = "text in attributes"
_METADATA: Final = "page metadata"
_NO_TEXT: Final = frozenset(WORDS["no_text"])
# Attributes are noted if they are prose, and longer than the name of a picture.
_TEXT_ATTRIBUTES: Final = frozenset(WORDS["text_attributes"])
_PROSE_CHARS: Final = 60
_PROSE_WORDS: Final = 8
# Notes of one kind are joined up to the length of an excerpt, since screening reads each note in full.
_NOTE_CHARS: Final = 1_900
_MAX_NOTES: Final = 10
_LEAST_WORDS: Final = 4
_WORD: Final = re.compile(r"[^\W\d_]{2,}|[\u3040-\u9fff\uac00-\ud7a3]")
_MARKUP: Final = re.compile(r"<[^<>]{0,2000}>|\[if [^\[\]]*\]>?|<!\[endif\]")
_BOILERPLATE_CLASS: Final = re.compile(WORDS["boilerplate"], re.I)
_CONTENT_TAGS: Final = frozenset(["body", "main", "article", "html"])
# If less text than this is outside a page's menus, the menus are its content.
_MAIN_CHARS: Final = 200


@dataclass(slots=True)
class _Sieve:
    styles: PageStyles
    notes: dict[str, dict[str, None]] = field(default_factory=dict)
    boilerplate: list[Tag] = field(default_factory=list)

    def sift(self, root: Tag) -> None:
        """Remove from `root` what is openly hidden and mark what a trick hides."""
        default = ComputedStyle(is_whole=self.styles.is_whole)
        pending = [(root, computed_style(root, self.styles.declared(root), default))]
        while pending:
            tag, style = pending.pop()
            inside: list[tuple[Tag, ComputedStyle]] = []
            for child in list(tag.children):
                if isinstance(child, Tag):
                    self._sift_tag(child, style, inside)
                elif isinstance(child, NavigableString):
                    self._sift_string(child, style)
            pending += reversed(inside)

    def _sift_tag(self, tag: Tag, outer: ComputedStyle, inside: list[tuple[Tag, ComputedStyle]]) -> None:
        for name, value in tag.attrs.items():
            is_text = name in _TEXT_ATTRIBUTES or name.startswith("data-")
            if is_text and isinstance(value, str) and _is_prose(value):
                self.note(_ATTRIBUTES, value)
        if tag.name in _NO_TEXT:
            if tag.name == "script" and "ld+json" in str(tag.get("type")):
                self.note(_METADATA, "".join(str(child) for child in tag.children))
            tag.extract()
            return
        if tag.name == "math":
            source = tag.find("annotation")
            tag.replace_with(NavigableString(f" {source.get_text() if source else tag.get_text(' ')} "))
            return
        declared = self.styles.declared(tag)
        style = computed_style(tag, declared, outer)
        if not style.trick and declared.get("position") in ("relative", "absolute") and self._is_covered(tag):
            style = replace(style, trick=BEHIND)
        if style.left_out and not outer.left_out:
            self.note(style.left_out, " ".join(str(child) for child in tag.descendants if _is_wording(child)))
            tag.extract()
            return
        if _is_boilerplate(tag):
            self.boilerplate.append(tag)
        inside.append((tag, style))

    def _is_covered(self, tag: Tag) -> bool:
        """Whether an element without text lies over all of the positioned element `tag`."""
        empty = (each for each in tag.find_all(True, recursive=False) if not each.contents)
        return any(map(covers, self.styles.drawn(tag))) or any(covers(self.styles.declared(each)) for each in empty)

    def _sift_string(self, string: NavigableString, style: ComputedStyle) -> None:
        if isinstance(string, Comment):
            self.note(_COMMENTS, _MARKUP.sub(" ", str(string)))
            string.extract()
        elif not isinstance(string, PreformattedString) and string.strip():
            left_out, trick = style.hidden()
            if left_out:
                self.note(left_out, str(string))
                string.extract()
            elif trick:
                unseen = Unseen(str(string))
                unseen.reason = trick
                unseen.is_link = string.find_parent("a") is not None
                string.replace_with(unseen)

    def note(self, reason: str, text: str) -> None:
        """Note text that was left out."""
        if text := " ".join(text.split()):
            self.notes.setdefault(reason, {})[text[:100_000]] = None

    def drop_boilerplate(self, root: Tag) -> None:
        """Remove menus and banners, unless they are most of the page."""
        outside = sum(len(string.strip()) for string in strings(root))
        inside = {id(tag): sum(len(string.strip()) for string in strings(tag)) for tag in self.boilerplate}
        outermost = [tag for tag in self.boilerplate if not any(id(each) in inside for each in tag.parents)]
        n_inside = sum(inside[id(tag)] for tag in outermost)
        if outside - n_inside >= min(_MAIN_CHARS, n_inside):
            for tag in outermost:
                tag.extract()


def sift(soup: BeautifulSoup, outline: Outline, sheet: LoadSheet | None = None) -> Tag:
    """The body of a page with visible strings and those marked Unseen; the rest is noted in `outline`."""
    sieve = _Sieve(styles_of(soup, sheet))
    for meta in soup.find_all("meta"):
        if isinstance(content := meta.get("content"), str) and _is_prose(content):
            sieve.note(_METADATA, content)
    root = soup.body or soup
    sieve.sift(root)
    sieve.drop_boilerplate(root)
    for reason, texts in sieve.notes.items():
        for note in _notes(texts):
            outline.leave_out(note, reason)
    if sieve.styles.is_cut:
        outline.notice("Not all style rules of this page were read. Some hidden text may have been kept.")
    return root


def _notes(texts: dict[str, None]) -> list[str]:
    """`texts` joined into as few notes as possible; none if they hold hardly any words."""
    joined = " … ".join(texts)
    if len(_WORD.findall(joined)) < _LEAST_WORDS:
        return []
    return [joined[start : start + _NOTE_CHARS] for start in range(0, len(joined), _NOTE_CHARS)][:_MAX_NOTES]


def _is_wording(node: object) -> bool:
    return isinstance(node, NavigableString) and not isinstance(node, Script | Stylesheet | Comment | Doctype)


def _is_prose(value: str) -> bool:
    if len(value) <= _PROSE_CHARS or value.lstrip().startswith(("http", "data:", "{", "[", "<")):
        return False
    return len(_WORD.findall(value)) >= _PROSE_WORDS and value.count(" ") * 15 > len(value)


def _is_boilerplate(tag: Tag) -> bool:
    if tag.name in _CONTENT_TAGS:
        return False
    if tag.name == "nav" or str(tag.get("role")) in ("navigation", "contentinfo", "search"):
        return True
    if tag.name == "footer":
        return not any(parent.name in ("article", "blockquote", "section") for parent in tag.parents)
    names = [*classes(tag), str(tag.get("id") or "")]
    return any(_BOILERPLATE_CLASS.search(name) for name in names if name) and not tag.find(["main", "article", "h1"])


def strings(tag: Tag) -> Iterator[NavigableString]:
    """The plain strings inside `tag` in order, without comments and hidden text."""
    for child in tag.descendants:
        if isinstance(child, NavigableString) and not isinstance(child, PreformattedString):
            yield child


def visible_text(tag: Tag) -> str:
    """The text in `tag` as one line, with spaces around blocks and line breaks."""
    pieces: list[str] = []
    pending: list[object] = [tag]
    while pending:
        node = pending.pop()
        if isinstance(node, str) and not isinstance(node, PreformattedString):
            pieces.append(str(node))
        elif isinstance(node, Tag):
            edge = " " if node.name in BLOCKS or node.name == "br" else ""
            pieces.append(edge)
            pending.append(edge)
            pending += reversed(list(node.children))
    return "".join(pieces)
