"""Takes out of a page's tree what its reader does not see, so that what is left can be read without a second look.

Nothing here recurses: a page nested 50,000 levels deep costs its length and no more.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from bs4 import BeautifulSoup
from bs4.element import Comment, NavigableString, PreformattedString, Tag

from workers.knowledge.parsers.html.hiding import ComputedStyle, Unseen, look_of
from workers.knowledge.parsers.html.styles import LoadSheet, PageStyles, classes, styles_of
from workers.knowledge.parsers.html.text import strings
from workers.knowledge.parsers.outline import Outline

_COMMENTS: Final = "comments"
_ATTRIBUTES: Final = "text in attributes"
_METADATA: Final = "page metadata"
# What is no text of the page, whatever it looks like.
_NO_TEXT: Final = frozenset(
    "script style head iframe object embed svg canvas audio video input select textarea button option area".split()
)
# An attribute is worth a look if it is prose, and longer than the name of a picture.
_PROSE_CHARS: Final = 60
_PROSE_WORDS: Final = 8
# Notes of one kind are told together; the screening reads each note in full, so each stays below an excerpt's length.
_NOTE_CHARS: Final = 1_900
_MAX_NOTES: Final = 10
_LEAST_WORDS: Final = 4
_WORD: Final = re.compile(r"[^\W\d_]{2,}|[\u3040-\u9fff\uac00-\ud7a3]")
_MARKUP: Final = re.compile(r"<[^<>]{0,2000}>|\[if [^\]]*\]>?|<!\[endif\]")
_BOILERPLATE_CLASS: Final = re.compile(
    r"cookie-?_?(?:banner|consent|notice|bar|popup|law|warning|message|policy|alert|info)|gdpr|onetrust|cybotcookie|"
    r"(?:^|[-_ ])consent(?:-|_|$)|mw-editsection|headerlink|(?:^|[-_ ])breadcrumbs?(?:$|[-_ ])|^navbox$|"
    r"site-?footer$|^vector-(?:menu|header|toc)|(?:^|[-_ ])(?:share|social)-?(?:buttons|links|icons|bar)$",
    re.I,
)
_CONTENT_TAGS: Final = frozenset(["body", "main", "article", "html"])
# A page with less text than this outside its menus is a page of menus, and they are its content.
_MAIN_CHARS: Final = 200


@dataclass(slots=True)
class _Sieve:
    styles: PageStyles
    notes: dict[str, dict[str, None]] = field(default_factory=dict)
    boilerplate: list[Tag] = field(default_factory=list)

    def sift(self, root: Tag) -> None:
        """Take out of `root` what is hidden honestly and mark what a trick hides."""
        pending = [(root, look_of(root, self.styles.declared(root), ComputedStyle(is_whole=self.styles.is_whole)))]
        while pending:
            tag, look = pending.pop()
            inside: list[tuple[Tag, ComputedStyle]] = []
            for child in list(tag.children):
                if isinstance(child, Tag):
                    self._sift_tag(child, look, inside)
                elif isinstance(child, NavigableString):
                    self._sift_string(child, look)
            pending += reversed(inside)

    def _sift_tag(self, tag: Tag, outer: ComputedStyle, inside: list[tuple[Tag, ComputedStyle]]) -> None:
        self._note_attributes(tag)
        if tag.name in _NO_TEXT:
            if tag.name == "script" and "ld+json" in str(tag.get("type")):
                self.note(_METADATA, "".join(str(child) for child in tag.children))
            tag.extract()
            return
        if tag.name == "math":
            source = tag.find("annotation")
            tag.replace_with(NavigableString(f" {source.get_text() if source else tag.get_text(' ')} "))
            return
        look = look_of(tag, self.styles.declared(tag), outer)
        if look.honest and not outer.honest:
            self._leave_out(tag, look)
            return
        if _is_boilerplate(tag):
            self.boilerplate.append(tag)
        inside.append((tag, look))

    def _leave_out(self, tag: Tag, look: ComputedStyle) -> None:
        self.note(look.honest, " ".join(str(child) for child in tag.descendants if _is_wording(child)))
        tag.extract()

    def _sift_string(self, string: NavigableString, look: ComputedStyle) -> None:
        if isinstance(string, Comment):
            self.note(_COMMENTS, _MARKUP.sub(" ", str(string)))
            string.extract()
        elif not isinstance(string, PreformattedString) and string.strip():
            honest, trick = look.hidden()
            if honest:
                self.note(honest, str(string))
                string.extract()
            elif trick:
                unseen = Unseen(str(string))
                unseen.reason = trick
                unseen.is_link = string.find_parent("a") is not None
                string.replace_with(unseen)

    def _note_attributes(self, tag: Tag) -> None:
        for name, value in tag.attrs.items():
            known = name in (
                "alt",
                "title",
                "aria-label",
                "aria-description",
                "placeholder",
                "content",
                "value",
                "summary",
            )
            if (known or name.startswith("data-")) and isinstance(value, str) and _is_prose(value):
                self.note(_ATTRIBUTES, value)

    def note(self, reason: str, text: str) -> None:
        """Remember text that was left out."""
        text = " ".join(text.split())
        if text:
            self.notes.setdefault(reason, {})[text[:100_000]] = None

    def drop_boilerplate(self, root: Tag) -> None:
        """Take menus and banners out, unless they are most of the page."""
        outside = sum(len(string.strip()) for string in strings(root))
        inside = {id(tag): sum(len(string.strip()) for string in strings(tag)) for tag in self.boilerplate}
        outermost = [tag for tag in self.boilerplate if not any(id(each) in inside for each in tag.parents)]
        n_inside = sum(inside[id(tag)] for tag in outermost)
        if outside - n_inside >= min(_MAIN_CHARS, n_inside):
            for tag in outermost:
                tag.extract()


def sift(soup: BeautifulSoup, outline: Outline, sheet: LoadSheet | None = None) -> Tag:
    """The body of a page with only what shows and strings marked Unseen; the rest is noted in `outline`."""
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
    """`texts` in as few notes as they fit into, none if they hold no wording."""
    joined = " … ".join(texts)
    if len(_WORD.findall(joined)) < _LEAST_WORDS:
        return []
    return [joined[start : start + _NOTE_CHARS] for start in range(0, len(joined), _NOTE_CHARS)][:_MAX_NOTES]


def _is_wording(node: object) -> bool:
    return isinstance(node, NavigableString) and type(node).__name__ not in (
        "Script",
        "Stylesheet",
        "Comment",
        "Doctype",
    )


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
