"""An answer as safe HTML: Markdown without raw HTML, an allow-list behind it, and citation tags put in last.

Model output is never trusted. Markdown-it escapes every tag in it, nh3 then keeps only what is listed here, and the
only markup added after that is this module's own. A citation's place travels through Markdown as a placeholder of
Unicode noncharacters, which no answer can hold (they are replaced first) and no entity can make.

How it breaks: a placeholder inside a Markdown construct can change what the text means. So the answer is rendered
with and without placeholders, and a placeholder that makes any difference moves on to a later place.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final, Protocol

import nh3
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from web.chat.links import IsOutside, explained, host

TAGS: Final = frozenset(
    "a blockquote br code del em h1 h2 h3 h4 h5 h6 hr li ol p pre s strong table tbody td th thead tr ul".split()
)
ATTRIBUTES: Final = {"a": {"href"}, "code": {"class"}, "ol": {"start"}}
SCHEMES: Final = frozenset({"http", "https", "mailto"})

# U+FDD0 begins a placeholder, U+FDD1..U+FDEF are its two digits. The no-break space before it ends emphasis as a
# space would, where a character that Markdown takes for a letter would not.
_BEGIN: Final = "\ufdd0"
_DIGITS: Final = "".join(map(chr, range(0xFDD1, 0xFDF0)))
_NONCHARACTERS: Final = re.compile("[\ufdd0-\ufdef]")
_INSERTED: Final = re.compile(f"\u00a0{_BEGIN}([{_DIGITS}]{{2}})")
_PLACEHOLDER: Final = re.compile(f"{_BEGIN}([{_DIGITS}]{{2}})")
_ALONE: Final = re.compile(f"<p>((?:{_BEGIN}[{_DIGITS}]{{2}})+)</p>\n?")
_OVERRIDES: Final = re.compile("[\u202d\u202e]")
_CODE: Final = re.compile(r'<pre><code(?: class="language-([^"]*)")?>')
MAX_CITATIONS: Final = len(_DIGITS) ** 2

# What makes the HTML of one sentence's tag, given its index among the marked sentences.
TagOf = Callable[[int], str]


class Marked(Protocol):
    """A sentence of the answer that gets a tag: a citation, or a sentence without support."""

    @property
    def answer_end(self) -> int:
        """Where the sentence ends in the answer."""


def render_answer(
    text: str,
    marked: Sequence[Marked] = (),
    tag_of: TagOf | None = None,
    is_outside: IsOutside = lambda url: False,
) -> SafeString:
    """The answer as HTML, with the tag of each of `marked` after its sentence; `tag_of(i)` gives the HTML of it.

    `is_outside` says of an address whether only text from outside supplied it.
    """
    text = _NONCHARACTERS.sub("\ufffd", text)
    ends = [each.answer_end for each in marked[:MAX_CITATIONS]]
    html = nh3.clean(
        _with_placeholders(text, ends),
        tags=set(TAGS),
        attributes=ATTRIBUTES,
        attribute_filter=_keep_attribute,
        url_schemes=set(SCHEMES),
        url_relative="deny",
        link_rel="noopener noreferrer nofollow ugc",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    html = explained(_framed(_OVERRIDES.sub("\u200e", html)), is_outside)
    html = _ALONE.sub(r'<p class="cites">\1</p>', html)
    return mark_safe(_PLACEHOLDER.sub(lambda found: tag_of(_index(found[1])) if tag_of else "", html))  # noqa: S308


def _keep_attribute(tag: str, name: str, value: str) -> str | None:
    if tag == "code":
        return value if re.fullmatch(r"language-[\w+#.-]{1,30}", value) else None
    return value


def _framed(html: str) -> str:
    """`html` with a head on each code block, for its language and the page's copy button, and tables that scroll."""
    html = _CODE.sub(_code_head, html).replace("</code></pre>", "</code></pre></div>")
    html = html.replace("<table>", '<div class="wide" tabindex="0" role="region" aria-label="Table"><table>')
    return html.replace("</table>", "</table></div>")


def _code_head(found: re.Match[str]) -> str:
    label = format_html("<span>{}</span>", found[1] or "code")
    return f'<div class="code"><div class="code-head">{label}</div><pre tabindex="0"><code>'


def _placeholder(index: int) -> str:
    return _BEGIN + _DIGITS[index // len(_DIGITS)] + _DIGITS[index % len(_DIGITS)]


def _index(digits: str) -> int:
    return _DIGITS.index(digits[0]) * len(_DIGITS) + _DIGITS.index(digits[1])


def _with_placeholders(text: str, ends: Sequence[int]) -> str:
    """The HTML of `text` with the placeholder of each citation, as near behind its end as changes nothing else."""
    bare = _markdown(text)
    everywhere = _markdown(_insert(text, dict(enumerate(ends))))
    if _holds(everywhere, range(len(ends)), bare):
        return everywhere
    placed: dict[int, int] = {}
    html = bare
    for index, end in enumerate(ends):
        for place in _places(text, end):
            attempt = _markdown(_insert(text, {**placed, index: place}))
            if _holds(attempt, [*placed, index], bare):
                placed[index], html = place, attempt
                break
    homeless = [index for index in range(len(ends)) if index not in placed]
    return html + (f"<p>{''.join(map(_placeholder, homeless))}</p>" if homeless else "")


def _places(text: str, end: int) -> list[int]:
    """Where a citation that ends at `end` may stand: there, at the end of its line, or of its paragraph."""
    line = text.find("\n", end)
    paragraph = text.find("\n\n", end)
    return [end, *(len(text) if place < 0 else place for place in (line, paragraph))]


def _insert(text: str, places: dict[int, int]) -> str:
    for index, place in sorted(places.items(), key=lambda item: (item[1], item[0]), reverse=True):
        text = f"{text[:place]}\u00a0{_placeholder(index)}{text[place:]}"
    return text


def _holds(html: str, indices: Sequence[int], bare: str) -> bool:
    """Whether `html` is `bare` but for one placeholder of each of `indices`."""
    found = sorted(_index(digits) for digits in _PLACEHOLDER.findall(html))
    return found == sorted(indices) and _PLACEHOLDER.sub("", _ALONE.sub("", html)) == bare


@cache
def _parser() -> MarkdownIt:
    # Images would be fetched from elsewhere as soon as they are seen: they become links, in `_without_images`.
    return MarkdownIt("js-default", {"html": False, "linkify": False, "typographer": False})


def _markdown(text: str) -> str:
    """`text` as HTML, placeholders in it moved out of code, links and attributes to right behind them."""
    parser = _parser()
    tokens: list[Token] = []
    for token in parser.parse(text):
        held = _take(token)
        if token.children is not None:
            token.children = _inline(token.children)
        tokens.append(token)
        if held:
            tokens.append(Token("html_block", "", 0, content=f"<p>{held}</p>\n"))
    return parser.renderer.render(tokens, parser.options, {})


def _take(token: Token) -> str:
    """The placeholders that were in the code or the attributes of `token`, which loses them."""
    held: list[str] = []

    def without(text: str) -> str:
        held.extend(_BEGIN + digits for digits in _INSERTED.findall(text))
        return _INSERTED.sub("", text)

    if token.type in {"fence", "code_block", "code_inline"}:
        token.content = without(token.content)
        token.info = without(token.info)
    token.attrs = {name: without(value) if isinstance(value, str) else value for name, value in token.attrs.items()}
    return "".join(held)


def _inline(children: list[Token]) -> list[Token]:
    kept: list[Token] = []
    held, depth = "", 0
    for token in _without_images(children):
        depth += token.nesting if token.type in {"link_open", "link_close"} else 0
        held += _take(token)
        if token.type == "text":
            token.content = _INSERTED.sub(lambda found: _BEGIN + found[1], token.content)
            if depth:  # a tag is a link of its own
                held += "".join(_BEGIN + digits for digits in _PLACEHOLDER.findall(token.content))
                token.content = _PLACEHOLDER.sub("", token.content)
        kept.append(token)
        if held and not depth:
            kept.append(Token("text", "", 0, content=held))
            held = ""
    return kept


def _without_images(children: list[Token]) -> list[Token]:
    """`children` with each image as a link to it, or as its words where it stands in a link already."""
    kept: list[Token] = []
    depth = 0
    for token in children:
        depth += token.nesting if token.type in {"link_open", "link_close"} else 0
        if token.type != "image":
            kept.append(token)
            continue
        source = str(token.attrs.get("src", ""))
        words = Token("text", "", 0, content=_picture_words(token.content, source))
        link = [Token("link_open", "a", 1, attrs={"href": source}), words, Token("link_close", "a", -1)]
        kept += [words] if depth else link
    return kept


def _picture_words(words: str, source: str) -> str:
    where = f"icture on {host(source)}" if host(source) else "icture"
    return f"{words} (p{where})" if words.strip() else f"P{where}"
