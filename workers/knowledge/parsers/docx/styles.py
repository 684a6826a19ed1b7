"""The styles and numbering of a DOCX file: heading levels, list labels and the formatting of runs."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from workers.knowledge.parsers.colours import Colour, from_hex, is_squeezed, tinted
from workers.knowledge.parsers.ooxml import Theme, attribute, is_on, number

W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
W14: Final = "{http://schemas.microsoft.com/office/word/2010/wordml}"
VAL: Final = f"{W}val"

_HEADING_NAME: Final = re.compile(r"(?:heading|überschrift|titre|título|titolo|kop|rubrik)\s*([1-9])$", re.I)
# Level 9 of an outline is body text (ECMA-376, 17.3.1.20).
_BODY_LEVEL: Final = 9
_MAX_CHAIN: Final = 20
_HIGHLIGHTS: Final = {
    "black": "000000", "blue": "0000FF", "cyan": "00FFFF", "green": "00FF00", "magenta": "FF00FF", "red": "FF0000",
    "yellow": "FFFF00", "white": "FFFFFF", "darkBlue": "000080", "darkCyan": "008080", "darkGreen": "008000",
    "darkMagenta": "800080", "darkRed": "800000", "darkYellow": "808000", "darkGray": "808080", "lightGray": "C0C0C0",
}  # fmt: skip
_THEME_NAMES: Final = {
    "background1": "bg1", "background2": "bg2", "text1": "tx1", "text2": "tx2", "light1": "lt1", "light2": "lt2",
    "dark1": "dk1", "dark2": "dk2", "hyperlink": "hlink", "followedHyperlink": "folHlink",
}  # fmt: skip
# In twips, twentieths of a point: beyond any page, and no height for letters.
_FAR: Final = 28_000
_LOW: Final = 40
_SIDES: Final = ("left", "start", "firstLine", "x")
_ROMAN: Final = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"),
                 (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class RunFormat:
    """How a run is shown; `ground` is its shading, None if it has none or an unknown one."""

    hidden: bool = False
    transparent: bool = False
    unreadable: bool = False
    bold: bool = False
    colour: Colour = None
    ground: Colour = None
    has_ground: bool = False
    points: float = 11.0


class DocxStyles:
    """The style sheet of a file; without one every style is plain."""

    def __init__(self, root: Any, theme: Theme) -> None:
        self._theme = theme
        self._styles = {key: each for each in root.iterfind(f"{W}style") if (key := each.get(f"{W}styleId"))}
        self._defaults = root.findall(f"{W}docDefaults/{W}rPrDefault/{W}rPr")[:1]
        paragraphs = {key: each for key, each in self._styles.items() if each.get(f"{W}type") == "paragraph"}
        default = (key for key, each in paragraphs.items() if each.get(f"{W}default") in ("1", "true", "on"))
        self._default_paragraph = next(default, "")
        self._layers: dict[str, list[Any]] = {}

    def chain(self, style: str) -> Iterator[Any]:
        """The style and its base styles, nearest first."""
        for _ in range(_MAX_CHAIN):
            element = self._styles.get(style)
            if element is None:
                return
            yield element
            style = attribute(element, f"{W}basedOn", VAL)

    def name(self, style: str) -> str:
        """The name shown to users, "" if there is no such style."""
        return attribute(self._styles.get(style), f"{W}name", VAL)

    def level(self, paragraph: Any) -> int:
        """The heading level of a paragraph, 1 for the top, 0 for text."""
        for element in (paragraph, *self.chain(style_of(paragraph))):
            if outline := attribute(element, f"{W}pPr/{W}outlineLvl", VAL):
                level = number(outline, _BODY_LEVEL)
                return level + 1 if 0 <= level < _BODY_LEVEL else 0
            if found := _HEADING_NAME.match(attribute(element, f"{W}name", VAL)):
                return int(found.group(1))
        return 0

    def numbering_of(self, paragraph: Any) -> tuple[str, int]:
        """The id of the list that a paragraph belongs to, "" if none, and its level there from 0."""
        list_id, level = "", None
        for each in (paragraph, *self.chain(style_of(paragraph))):
            properties = each.find(f"{W}pPr/{W}numPr")
            if properties is None:
                continue
            ilvl, num = properties.find(f"{W}ilvl"), properties.find(f"{W}numId")
            level = number(ilvl.get(VAL)) if level is None and ilvl is not None else level
            if num is not None:
                list_id = num.get(VAL, "")
                break
        return ("" if list_id == "0" else list_id), min(max(level or 0, 0), 8)

    def run_format(self, paragraph_style: str, run_properties: Any, under: tuple[Any, ...] = ()) -> RunFormat:
        """The format of a run with these properties in a paragraph of this style; `under` is set by its table."""
        layers = [*self._defaults, *under, *self._run_layers(paragraph_style or self._default_paragraph)]
        if run_properties is not None:
            layers += [*self._run_layers(attribute(run_properties, f"{W}rStyle", VAL)), run_properties]
        merged: dict[str, Any] = {}
        for layer in layers:
            merged |= {each.tag: each for each in layer}
        return self._run_format(merged)

    def shading(self, properties: Any) -> tuple[bool, Colour]:
        """Whether a paragraph, run or cell is shaded, and its colour (None: a pattern or unknown)."""
        return self._shade(properties.find(f"{W}shd") if properties is not None else None)

    def _shade(self, shade: Any) -> tuple[bool, Colour]:
        if shade is None:
            return False, None
        pattern, fill = shade.get(VAL, "clear"), self._colour(shade, "fill", "themeFill")
        if pattern in ("clear", "nil"):
            return fill is not None, fill
        return True, self._colour(shade, "color", "themeColor") if pattern == "solid" else None

    def _colour(self, element: Any, value: str, theme: str) -> Colour:
        """A colour by its name in the theme, which wins, or by its value."""
        name = element.get(f"{W}{theme}", "none")
        if name == "none":
            return from_hex(element.get(f"{W}{value}"))
        changes = theme.removesuffix("Color")
        shade, tint = (_share(element.get(f"{W}{changes}{change}")) for change in ("Shade", "Tint"))
        return tinted(self._theme.named(_THEME_NAMES.get(name, name)), shade * tint, 1 - tint)

    def _run_format(self, merged: dict[str, Any]) -> RunFormat:
        size, colour, effect = merged.get(f"{W}sz"), merged.get(f"{W}color"), merged.get(f"{W14}textFill")
        has_ground, ground = self._shade(merged.get(f"{W}shd"))
        highlight = merged.get(f"{W}highlight")
        if highlight is not None and highlight.get(VAL) != "none":
            has_ground, ground = True, from_hex(_HIGHLIGHTS.get(highlight.get(VAL, "")))
        points = number(size.get(VAL), 22) / 2 if size is not None else 11.0
        plain = self._colour(colour, "val", "themeColor") if colour is not None else None
        return RunFormat(
            hidden=is_on(merged.get(f"{W}vanish"), VAL),
            transparent=effect is not None and _is_transparent(effect),
            unreadable=_is_unreadable(merged, points),
            bold=is_on(merged.get(f"{W}b"), VAL),
            colour=self._effect_colour(effect) if effect is not None else plain,
            ground=ground,
            has_ground=has_ground,
            points=points,
        )

    def _effect_colour(self, effect: Any) -> Colour:
        """The colour of a text effect, None unless it is a plain one."""
        fill = effect.find(f"{W14}solidFill/*")
        if fill is None or any(each.tag != f"{W14}alpha" for each in fill):
            return None
        value = fill.get(f"{W14}val")
        return from_hex(value) if fill.tag == f"{W14}srgbClr" else self._theme.named(value)

    def _run_layers(self, style: str) -> list[Any]:
        if style not in self._layers:
            found = [element.find(f"{W}rPr") for element in self.chain(style)]
            self._layers[style] = [each for each in reversed(found) if each is not None]
        return self._layers[style]


def style_of(paragraph: Any) -> str:
    """The id of a paragraph's style, "" if it names none."""
    return attribute(paragraph, f"{W}pPr/{W}pStyle", VAL)


def is_off_page(paragraph: Any, styles: Sequence[Any]) -> bool:
    """Whether a paragraph or one of its `styles` puts it off the page or in lines without height."""
    found = (each.find(f"{W}pPr") for each in (paragraph, *styles))
    return any(properties is not None and _is_away(properties) for properties in found)


def _is_away(properties: Any) -> bool:
    frame, spacing = properties.find(f"{W}framePr"), properties.find(f"{W}spacing")
    placing = [each for each in (frame, properties.find(f"{W}ind")) if each is not None]
    places = [abs(number(each.get(f"{W}{side}"))) for each in placing for side in _SIDES]
    heights = ((frame, "h", "hRule"), (spacing, "line", "lineRule"))
    is_left = frame is not None and number(frame.get(f"{W}x")) + number(frame.get(f"{W}w"), _FAR) < 0
    return is_left or max(places, default=0) > _FAR or any(is_low(each, name, rule) for each, name, rule in heights)


def is_low(element: Any, name: str, rule: str) -> bool:
    """Whether a line, frame or row has exactly this height, and hardly any."""
    is_exact = element is not None and element.get(f"{W}{rule}") == "exact"
    return is_exact and number(element.get(f"{W}{name}"), 240) <= _LOW


def _is_unreadable(merged: dict[str, Any], points: float) -> bool:
    """Whether letters are squeezed together, or raised off the page."""
    scale, spacing, raised = (
        number(merged[tag].get(VAL), default) if (tag := f"{W}{name}") in merged else default
        for name, default in (("w", 100), ("spacing", 0), ("position", 0))
    )
    return is_squeezed(scale / 100, spacing / 20, points) or abs(raised) * 10 > _FAR


def _share(digits: str | None) -> float:
    """A number of two hexadecimal digits as a share of 255; 1 if there is none."""
    return int(digits, 16) / 255 if digits and re.fullmatch("[0-9A-Fa-f]{2}", digits) else 1.0


def _is_transparent(effect: Any) -> bool:
    alpha = effect.find(f"{W14}solidFill//{W14}alpha")
    if alpha is not None:
        return number(alpha.get(f"{W14}val")) >= 95_000
    return effect.find(f"{W14}noFill") is not None


class Numbering:
    """The lists of a file and their counters."""

    def __init__(self, root: Any) -> None:
        self._levels: dict[str, dict[int, Any]] = {}
        self._lists: dict[str, str] = {}
        self._restarts: dict[str, dict[int, int]] = {}
        self._counts: dict[str, dict[int, int]] = {}
        for each in root.iterfind(f"{W}abstractNum"):
            levels = {number(level.get(f"{W}ilvl")): level for level in each.iterfind(f"{W}lvl")}
            self._levels[each.get(f"{W}abstractNumId", "")] = levels
        for each in root.iterfind(f"{W}num"):
            key = each.get(f"{W}numId", "")
            self._lists[key] = attribute(each, f"{W}abstractNumId", VAL)
            self._restarts[key] = {
                number(override.get(f"{W}ilvl")): number(start.get(VAL), 1)
                for override in each.iterfind(f"{W}lvlOverride")
                for start in override.iterfind(f"{W}startOverride")
            }

    def label(self, list_id: str, level: int) -> str:
        """Count the next item of a list and return its label: "3.", "b)", or "-" for a bullet."""
        base = self._lists.get(list_id)
        levels = self._levels.get(base or "", {})
        if base is None or level not in levels:
            return "-"
        counts = self._counts.setdefault(base, {})
        for restarted, start in self._restarts.pop(list_id, {}).items():
            counts[restarted] = start - 1
        counts[level] = counts.get(level, _start(levels[level]) - 1) + 1
        for deeper in [each for each in counts if each > level]:
            del counts[deeper]
        if (kind := _format(levels[level])) in ("bullet", "none"):
            return "-" if kind == "bullet" else ""
        pattern = attribute(levels[level], f"{W}lvlText", VAL)
        return re.sub("%([1-9])", lambda found: _counted(levels, counts, int(found.group(1)) - 1), pattern)


def _counted(levels: dict[int, Any], counts: dict[int, int], level: int) -> str:
    if level not in levels:
        return ""
    count = counts.setdefault(level, _start(levels[level]))
    kind = _format(levels[level])
    if kind in ("lowerLetter", "upperLetter"):
        letters = chr(ord("a") + (count - 1) % 26) * min((count - 1) // 26 + 1, 5) if count > 0 else "0"
        return letters.upper() if kind == "upperLetter" else letters
    if kind in ("lowerRoman", "upperRoman"):
        return _roman(count).upper() if kind == "upperRoman" else _roman(count)
    return f"{count:02}" if kind == "decimalZero" else str(count)


def _roman(count: int) -> str:
    text = ""
    for value, letters in _ROMAN:
        times, count = divmod(count, value) if 0 < count < 4000 else (0, count)
        text += letters * times
    return text or str(count)


def _format(level: Any) -> str:
    return attribute(level, f"{W}numFmt", VAL, "decimal")


def _start(level: Any) -> int:
    return number(attribute(level, f"{W}start", VAL), 1)
