"""An answer as safe HTML: Markdown without raw HTML, then an allow-list, then citation tags.

Model output is never trusted. Markdown-it escapes every tag in it, nh3 then keeps only what is listed here, and only
this module adds markup after that. The place of a citation is marked in the Markdown by a placeholder of Unicode
noncharacters, which no answer can contain (they are replaced first) and no entity or encoded address can produce.

How it breaks: a placeholder inside a Markdown construct can change its meaning. So the answer is rendered with and
without placeholders, and a placeholder that makes a difference moves to a later place.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from itertools import takewhile
from typing import Any, Final, Protocol
from urllib.parse import quote

import nh3
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, table
from markdown_it.token import Token

from web.chat.formulas import add_formulas
from web.chat.links import IsOutside, explained, host

TAGS: Final = frozenset(
    "a blockquote br code del em h1 h2 h3 h4 h5 h6 hr li ol p pre s strong table tbody td th thead tr ul".split()
)
ATTRIBUTES: Final = {"a": {"href"}, "code": {"class"}, "ol": {"start"}, "td": {"class"}, "th": {"class"}}
# How the cells of a column stand, by what the parser sets, which would be an inline style.
ALIGNMENTS: Final = {f"text-align:{side}": f"to-{side}" for side in ("left", "center", "right")}
# Items of task lists, as text.
TASKS: Final = {"[ ] ": "☐ ", "[x] ": "☑ ", "[X] ": "☑ "}
SCHEMES: Final = frozenset({"http", "https", "mailto"})

# U+FDD0 begins a placeholder, U+FDD1..U+FDEF are its two digits. The no-break space before it ends emphasis, as a
# space does; Markdown takes a noncharacter for a letter, which does not.
_BEGIN: Final = "\ufdd0"
_DIGITS: Final = "".join(map(chr, range(0xFDD1, 0xFDF0)))
_NONCHARACTERS: Final = re.compile("[\ufdd0-\ufdef]")
_INSERTED: Final = re.compile(f"\u00a0{_BEGIN}([{_DIGITS}]{{2}})")
_PLACEHOLDER: Final = re.compile(f"{_BEGIN}([{_DIGITS}]{{2}})")
_ALONE: Final = re.compile(f"<p>((?:{_BEGIN}[{_DIGITS}]{{2}})+)</p>\n?")
_OVERRIDES: Final = re.compile("[\u202d\u202e]")
_CODE: Final = re.compile(r'<pre><code(?: class="language-([^"]*)")?>')
MAX_CITATIONS: Final = len(_DIGITS) ** 2
# How often the Markdown of one answer is parsed to place its citations: so many characters in all, or so many times.
MAX_PARSED_CHARS: Final = 100_000
MIN_PARSED: Final = 6
N_PLACES: Final = 4
# Brackets, quotes and lists within each other that count; each character of "[[[[…" costs as many steps.
MAX_NESTING: Final = 30
# Cells that the rows of a table may lack; markdown-it would add up to 65,536.
MAX_LACKING: Final = 2_000

# Returns the HTML of the tag of a sentence, given its index among the marked sentences.
TagOf = Callable[[int], str]


class Marked(Protocol):
    """A sentence of the answer that gets a tag: a citation, or a sentence without support."""

    @property
    def answer_end(self) -> int:
        """The end of the sentence in the answer."""


def render_answer(
    text: str,
    marked: Sequence[Marked] = (),
    tag_of: TagOf | None = None,
    is_outside: IsOutside = lambda url: False,
) -> SafeString:
    """The answer as HTML, with `tag_of(i)` after sentence `i` of `marked`.

    `is_outside` says whether a URL is only in external content.
    """
    text = _NONCHARACTERS.sub("\ufffd", text)
    ends = tuple(each.answer_end for each in marked[:MAX_CITATIONS])
    html = _ALONE.sub(r'<p class="cites">\1</p>', _safe(_with_placeholders(text, ends)))
    # Placeholders stand between links, never in them. What a link then says of its address may not make one.
    pieces = _PLACEHOLDER.split(html)
    pieces[::2] = (explained(piece, is_outside) for piece in pieces[::2])
    pieces[1::2] = (tag_of(_index(digits)) if tag_of else "" for digits in pieces[1::2])
    return mark_safe("".join(pieces))  # noqa: S308


def render_message(text: str) -> SafeString:
    """A person's message as HTML: paragraphs as they were typed, with fenced code as in answers."""
    lines, parts, at = text.splitlines(), list[str](), 0
    for token in _fences().parse("\n".join(lines)):
        if token.type == "fence" and token.map:
            code = _safe(_fences().renderer.render([token], _fences().options, {}))
            parts += [_typed(lines[at : token.map[0]]), code]
            at = token.map[1]
    return mark_safe("".join([*parts, _typed(lines[at:])]))  # noqa: S308


def _typed(lines: Sequence[str]) -> str:
    text = "\n".join(lines).strip("\n")
    return format_html("<p>{}</p>", text) if text else ""


def _safe(html: str) -> str:
    """What Markdown made, reduced to what is allowed, with frames around its code and tables."""
    clean = nh3.clean(
        html,
        tags=set(TAGS),
        attributes=ATTRIBUTES,
        attribute_filter=_keep_attribute,
        url_schemes=set(SCHEMES),
        url_relative="deny",
        link_rel="noopener noreferrer nofollow ugc",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    return _framed(_OVERRIDES.sub("\u200e", clean))


def _keep_attribute(tag: str, name: str, value: str) -> str | None:
    if tag == "code":
        return value if re.fullmatch(r"language-[\w+#.-]{1,30}", value) else None
    return value if name != "class" or value in ALIGNMENTS.values() else None


def _framed(html: str) -> str:
    """`html` with a header on each code block, for its language and its buttons, and tables that scroll."""
    html = _CODE.sub(_code_head, html).replace("</code></pre>", "</code></pre></div>")
    name = gettext("Table")
    scrolled = f'<div class="table"><div class="wide" tabindex="0" role="group" aria-label="{name}"><table>'
    return html.replace("<table>", scrolled).replace("</table>", "</table></div></div>")


def _code_head(found: re.Match[str]) -> str:
    label = found[1] or "code"  # escaped, as it comes from nh3
    code = f'<code class="language-{label}">' if found[1] else "<code>"
    return f'<div class="code"><div class="code-head"><span>{label}</span></div><pre tabindex="0">{code}'


def _placeholder(index: int) -> str:
    return _BEGIN + _DIGITS[index // len(_DIGITS)] + _DIGITS[index % len(_DIGITS)]


def _index(digits: str) -> int:
    return _DIGITS.index(digits[0]) * len(_DIGITS) + _DIGITS.index(digits[1])


@lru_cache(maxsize=64)
def _with_placeholders(text: str, ends: tuple[int, ...]) -> str:
    """The HTML of `text` with the placeholder of each citation, as soon after its end as changes nothing else.

    They are placed together where that changes nothing, else by halves. Those that have no place when the answer was
    parsed too often come at its end.
    """
    bare = _NONCHARACTERS.sub("\ufffd", _markdown(text))
    placed: dict[int, int] = {}
    html = bare
    waiting = [(list(range(len(ends))), 0)] if ends else []  # citations, and which of their places comes next
    n_left = max(MIN_PARSED, MAX_PARSED_CHARS // max(1, len(text)))
    while waiting and n_left:
        indices, choice = waiting.pop()
        places = placed | {index: _places(text, ends[index])[choice] for index in indices}
        attempt = _markdown(_insert(text, places))
        n_left -= 1
        if _holds(attempt, [*places], bare):
            placed, html = places, attempt
        elif len(indices) > 1:
            middle = len(indices) // 2
            waiting += [(indices[middle:], 0), (indices[:middle], 0)]
        elif choice + 1 < N_PLACES:
            waiting.append((indices, choice + 1))
    unplaced = [index for index in range(len(ends)) if index not in placed]
    return html + (f"<p>{''.join(map(_placeholder, unplaced))}</p>" if unplaced else "")


def _places(text: str, end: int) -> list[int]:
    """Possible places of a citation that ends at `end`: there, in its cell, at the end of its line or paragraph."""
    cell = len(text[:end].rstrip().removesuffix("|").rstrip())
    line = text.find("\n", end)
    paragraph = text.find("\n\n", end)
    return [end, cell, *(len(text) if place < 0 else place for place in (line, paragraph))]


def _insert(text: str, places: dict[int, int]) -> str:
    for index, place in sorted(places.items(), key=lambda item: (item[1], item[0]), reverse=True):
        text = f"{text[:place]}\u00a0{_placeholder(index)}{text[place:]}"
    return text


def _holds(html: str, indices: Sequence[int], bare: str) -> bool:
    """Whether `html` is `bare` plus one placeholder for each of `indices`."""
    found = sorted(_index(digits) for digits in _PLACEHOLDER.findall(html))
    return found == sorted(indices) and _PLACEHOLDER.sub("", _ALONE.sub("", html)) == bare


class _Parser(MarkdownIt):
    def normalizeLinkText(self, link: str) -> str:
        """The address as text, decoded, but for what would become a placeholder."""
        return _NONCHARACTERS.sub(lambda found: quote(found[0]), super().normalizeLinkText(link))


@cache
def _parser() -> MarkdownIt:
    # Images would be loaded from other sites when the answer is shown: `_without_images` makes links of them.
    options: Any = {"html": False, "linkify": False, "typographer": False, "maxNesting": MAX_NESTING}
    parser = _Parser("js-default", options)
    parser.block.ruler.at("table", _table, {"alt": ["paragraph", "reference"]})
    add_formulas(parser)
    return parser


@cache
def _fences() -> MarkdownIt:
    """A parser that knows fenced code only."""
    return MarkdownIt("zero").enable("fence")


def _table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """The parser's rule for tables, but for those whose rows lack nearly all their cells."""
    if not table(state, start, end, True):
        return False
    spans = zip(state.bMarks[start:end], state.eMarks[start:end], strict=True)
    rows = [line.count("|") for line in takewhile(str.strip, (state.src[begin:stop] for begin, stop in spans))]
    is_table = sum(max(0, rows[0] - n) for n in rows) <= MAX_LACKING
    return is_table and (silent or table(state, start, end, False))


def _markdown(text: str) -> str:
    """`text` as HTML, with placeholders in code, links and attributes moved right after them."""
    parser = _parser()
    tokens: list[Token] = []
    for token in parser.parse(text):
        held = _take(token)
        if style := token.attrs.pop("style", None):
            token.attrs["class"] = ALIGNMENTS[str(style)]
        if [each.type for each in tokens[-2:]] == ["list_item_open", "paragraph_open"] and token.children:
            _check_off(token.children[0])
        if token.children is not None:
            token.children = _inline(token.children)
        tokens.append(token)
        if held:
            tokens.append(Token("html_block", "", 0, content=f"<p>{held}</p>\n"))
    return parser.renderer.render(tokens, parser.options, {})


def _check_off(first: Token) -> None:
    """Make the brackets of a task list's item a box, if it begins with the text `first`."""
    if first.type == "text" and (box := TASKS.get(first.content[:4])):
        first.content = box + first.content[4:]


def _take(token: Token) -> str:
    """Remove the placeholders from the code and the attributes of `token`, and return them."""
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
            if depth:  # a tag is a link itself
                held += "".join(_BEGIN + digits for digits in _PLACEHOLDER.findall(token.content))
                token.content = _PLACEHOLDER.sub("", token.content)
        kept.append(token)
        if held and not depth:
            kept.append(Token("text", "", 0, content=held))
            held = ""
    return kept


def _without_images(children: list[Token]) -> list[Token]:
    """`children` with each image as a link to it, or as text if it is in a link already."""
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
    if not words.strip():
        return gettext("Picture on {host}").format(host=host(source)) if host(source) else gettext("Picture")
    text = gettext("{words} (picture on {host})") if host(source) else gettext("{words} (picture)")
    return text.format(words=words, host=host(source))
