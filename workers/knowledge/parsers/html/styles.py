"""The styles that a page sets on each element: `style` attributes, `<style>` rules and the old colour attributes.

Linked style sheets are not loaded; `PageStyles.is_whole` is False if a page names some, which colour checks must
allow for. tinycss2 (of the WeasyPrint project) parses the rules and soupsieve, which comes with Beautiful Soup,
matches the selectors that are more than one name.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import soupsieve
import tinycss2
from bs4 import BeautifulSoup
from bs4.element import Tag
from soupsieve.util import SelectorSyntaxError

WORDS: Final = tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))
PROPERTIES: Final = frozenset(WORDS["properties"])
_MAX_CSS_CHARS: Final = 1_000_000
_MAX_RULES: Final = 3_000
# 300,000 matches of a selector against an element take about 3 s (measured 2026-11).
_MAX_MATCHES: Final = 300_000
_MAX_NESTING: Final = 5
# A variable may name others a thousand times, and each of those others: in three rounds that is gigabytes.
_LONGEST_VALUE: Final = 1_000
_ONE_NAME: Final = re.compile(r"[#.]?[\w-]+|\*")
_COMBINATOR: Final = re.compile(r"[\s>+~]")
_NAMES: Final = re.compile(r"#[\w-]+|\.[\w-]+|^[a-zA-Z][\w-]*")
_PSEUDO: Final = re.compile(r"::?(?:before|after)$")
_VARIABLE: Final = re.compile(r"var\(\s*(--[\w-]+)\s*(?:,\s*+([^()]*))?\)")
# Media queries are judged for a window 1280 pixels wide.
_WIDTH_QUERY: Final = re.compile(r"(min|max)-width\s*:\s*(\d+)(px|em|rem)")
_OTHER_MEDIA: Final = re.compile(r"\bprint\b|\bspeech\b|prefers-|\bnot\b|forced-colors|max-height|orientation|hover")

# The style sheet at an address that a page names, None if it isn't available.
LoadSheet = Callable[[str], str | None]
# (is important, is inline, specificity, position) of a declaration: the greatest wins.
_Rank = tuple[bool, bool, tuple[int, int, int], int]


@dataclass(frozen=True, slots=True)
class _Rule:
    selector: str
    rank: tuple[tuple[int, int, int], int]
    declarations: tuple[tuple[str, str, bool], ...]


@dataclass(slots=True)
class PageStyles:
    """The rules of a page, indexed by the last name of their selectors."""

    is_whole: bool = True
    # Not all rules were read or matched, because of the limits.
    is_cut: bool = False
    _rules: dict[str, list[_Rule]] = field(default_factory=dict)
    # The rules of ::before and ::after, by the name of the element in which these are.
    _drawn: dict[str, list[_Rule]] = field(default_factory=dict)
    _variables: dict[str, str] = field(default_factory=dict)
    _compiled: dict[str, Any] = field(default_factory=dict)
    _n_rules: int = 0
    _n_matches: int = 0

    def declared(self, tag: Tag) -> dict[str, str]:
        """The winning value of each property that the page's styles set on `tag`, in lower case."""
        found: list[tuple[_Rank, str, str]] = []
        for rule in self._candidates(tag, self._rules):
            found += [((important, False, *rule.rank), name, value) for name, value, important in rule.declarations]
        inline = _inline(str(tag.get("style") or "")[:20_000])
        found += [((important, True, (0, 0, 0), 0), name, value) for name, value, important in inline]
        found.sort(key=lambda each: each[0])
        values = _presentation(tag)
        values.update((name, self._resolved(value)) for _, name, value in found)
        return values

    def drawn(self, tag: Tag) -> Iterator[dict[str, str]]:
        """The styles of what rules draw inside `tag` by ::before or ::after."""
        for rule in self._candidates(tag, self._drawn) if self._drawn else ():
            yield {name: self._resolved(value) for name, value, _ in rule.declarations}

    def add_sheet(self, css: str) -> None:
        """Add the rules of a style sheet."""
        self._add(tinycss2.parse_stylesheet(css[:_MAX_CSS_CHARS], skip_comments=True, skip_whitespace=True), 0)
        self.is_cut = self.is_cut or len(css) > _MAX_CSS_CHARS

    def _add(self, nodes: list[Any], depth: int) -> None:
        for node in nodes:
            if node.type == "qualified-rule":
                self._add_rule(node)
            elif node.type == "at-rule" and node.content is not None and depth < 5 and _applies(node):
                self._add(tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True), depth + 1)

    def _add_rule(self, node: Any, above: str = "", depth: int = 0) -> None:
        prelude = tinycss2.serialize(node.prelude).strip()
        if above:
            prelude = prelude.replace("&", above) if "&" in prelude else f"{above} {prelude}"
        contents = tinycss2.parse_blocks_contents(node.content)
        for inner in contents if depth < _MAX_NESTING else ():
            if inner.type == "qualified-rule":
                self._add_rule(inner, prelude, depth + 1)
        declarations = tuple(_declared(contents))
        short = ((name, value) for name, value, _ in declarations if len(value) <= _LONGEST_VALUE)
        self._variables.update((name, value) for name, value in short if name.startswith("--"))
        declarations = tuple(each for each in declarations if each[0] in PROPERTIES)
        if not declarations:
            return
        for selector in prelude.split(","):
            selector = selector.strip()
            if not selector or self._n_rules >= _MAX_RULES:
                self.is_cut = self.is_cut or bool(selector)
                continue
            self._n_rules += 1
            element = _PSEUDO.sub("", selector)
            rule = _Rule(element, (_specificity(selector), self._n_rules), declarations)
            rules = self._rules if element == selector else self._drawn
            rules.setdefault(_key(element), []).append(rule)

    def _candidates(self, tag: Tag, rules: Mapping[str, list[_Rule]]) -> Iterator[_Rule]:
        keys = [tag.name, "*", *(f".{name}" for name in classes(tag))]
        if identity := tag.get("id"):
            keys.append(f"#{identity}")
        for key in keys:
            for rule in rules.get(key, ()):
                if _ONE_NAME.fullmatch(rule.selector) or self._matches(rule.selector, tag):
                    yield rule

    def _matches(self, selector: str, tag: Tag) -> bool:
        self._n_matches += 1
        if self._n_matches > _MAX_MATCHES:
            self.is_cut = True
            return False
        if selector not in self._compiled:
            try:
                self._compiled[selector] = soupsieve.compile(selector)
            except (SelectorSyntaxError, ValueError, NotImplementedError):
                # A pseudo-element, or a selector that browsers would refuse, too.
                self._compiled[selector] = None
        pattern = self._compiled[selector]
        return pattern is not None and bool(pattern.match(tag))

    def _resolved(self, value: str) -> str:
        for _ in range(3):
            if "var(" not in value:
                break
            if len(value) > _LONGEST_VALUE:
                return "unknown"
            value = _VARIABLE.sub(lambda found: self._variables.get(found[1], found[2] or "unknown"), value)
        return value


def styles_of(soup: BeautifulSoup, sheet: LoadSheet | None = None) -> PageStyles:
    """The styles inside `soup`, and the linked ones that `sheet` can load."""
    styles = PageStyles()
    for tag in soup.find_all(["style", "link"]):
        if tag.name == "style":
            media = str(tag.get("media") or "").lower()
            if not _OTHER_MEDIA.search(media):
                styles.add_sheet("".join(str(child) for child in tag.children))
        elif "stylesheet" in " ".join(tag.get_attribute_list("rel")).lower():
            css = sheet(str(tag.get("href") or "")) if sheet else None
            styles.add_sheet(css or "")
            styles.is_whole = styles.is_whole and css is not None
    if any("@import" in str(tag.string or "") for tag in soup.find_all("style")):
        styles.is_whole = False
    return styles


def classes(tag: Tag) -> list[str]:
    """The class names of `tag`."""
    return [str(name) for name in tag.get_attribute_list("class") if name]


@lru_cache(maxsize=256)
def _inline(style: str) -> list[tuple[str, str, bool]]:
    """The declarations of a `style` attribute."""
    return [each for each in _declared(tinycss2.parse_blocks_contents(style)) if each[0] in PROPERTIES]


def _declared(nodes: list[Any]) -> Iterator[tuple[str, str, bool]]:
    for node in nodes:
        if node.type == "declaration":
            yield node.lower_name, tinycss2.serialize(node.value).strip().lower(), node.important


def _applies(node: Any) -> bool:
    """Whether an at-rule applies to a wide screen."""
    name = node.lower_at_keyword
    if name in ("layer", "supports", "container", "scope"):
        return True
    if name != "media":
        return False
    query = tinycss2.serialize(node.prelude).lower()
    if _OTHER_MEDIA.search(query):
        return False
    widths = ((kind, int(number) * (1 if unit == "px" else 16)) for kind, number, unit in _WIDTH_QUERY.findall(query))
    return all((kind == "min") != (width > 1280) for kind, width in widths)


def _key(selector: str) -> str:
    """The name by which to index `selector`: an id, class or tag name of the elements it matches."""
    bare = re.sub(r"\([^()]*\)|\[[^\[\]]*\]", "", re.sub(r"\([^()]*\)", "", selector))
    names = _NAMES.findall(_COMBINATOR.split(bare)[-1])
    marked = next((name for start in "#." for name in names if name.startswith(start)), None)
    return marked or (names[0].lower() if names else "*")


def _specificity(selector: str) -> tuple[int, int, int]:
    return (
        selector.count("#"),
        selector.count(".") + selector.count("[") + len(re.findall(r"(?<!:):(?!:|not|is|where)", selector)),
        len(re.findall(r"(?:^|[\s>+~])[a-zA-Z]", selector)),
    )


def _presentation(tag: Tag) -> dict[str, str]:
    """The styles set by the old attributes."""
    values = {}
    if background := tag.get("bgcolor"):
        values["background-color"] = str(background).lower()
    color = tag.get("color") if tag.name == "font" else tag.get("text") if tag.name == "body" else None
    if color:
        values["color"] = str(color).lower()
    if tag.get("background") and tag.name in ("body", "table", "td", "th", "tr"):
        values["background"] = "url()"
    return values
