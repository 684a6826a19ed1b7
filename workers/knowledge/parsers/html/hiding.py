"""Which text of a page is hidden, and whether openly or by a trick.

Menus that open later, notes for screen readers and comments are hidden by the usual means and left out. White letters
on white, letters without size and boxes off the page are tricks, and such text is quarantined. If a page's style
sheets are missing, doubtful text is left out.
"""

import re
from dataclasses import dataclass, replace
from typing import Final

import tinycss2.color4
from bs4.element import PreformattedString, Tag

from workers.knowledge.parsers.colours import BLACK, WHITE, Colour, blends, is_squeezed
from workers.knowledge.parsers.html.styles import WORDS, classes

_LINK: Final = (0, 0, 237)
# A book's title page may show the title as a picture and move its words away.
_TITLE_CHARS: Final = 200
_HEADING: Final = re.compile("h[1-6]")
_HIDDEN_TAGS: Final = frozenset(["noscript", "template", "datalist", "dialog"])
# Elements whose words are often replaced by a picture, with a text-indent that moves them away.
_PICTURED: Final = frozenset(["h1", "h2", "h3", "h4", "h5", "h6", "a", "button", "span", "i", "b", "li"])
_OFF_PX: Final = 500.0
# Spaces of colours that are greys if their other two coordinates in CIE Lab are below the second.
_LIGHTNESS_SPACES: Final = frozenset(["lab", "lch", "oklab", "oklch"])
_GREY_TINT: Final = 4.0
_MASKS: Final = ("mask", "mask-image")

NOT_SHOWN: Final = "text that the page doesn't display"
FOR_READERS: Final = "text for screen readers"
FADED_IN: Final = "text that a script fades in"
PICTURED: Final = "text replaced by a picture"
MAYBE_WHITE: Final = "text in the colour of the page"
BEHIND: Final = "covered by another element"
_ZERO: Final = frozenset(["0", "0px", "0%"])
NO_SCRIPT: Final = "text for browsers without scripts"

_SCREEN_READER_CLASS: Final = re.compile(WORDS["screen_reader"], re.I)
_FADING_CLASS: Final = re.compile(r"(?:^|[-_ ])(?:wow|fade\S*|animat\S*|reveal\S*|aos-\S+|lazy\S*)(?:$|[-_ ])", re.I)
_UNITS: Final = {
    "px": 1.0, "pt": 4 / 3, "pc": 16.0, "in": 96.0, "cm": 37.8, "mm": 3.78, "rem": 16.0, "vw": 12.8, "vh": 8.0,
}  # fmt: skip
_LENGTH: Final = re.compile(r"\s*(-?(?:\d*\.)?\d+(?:e-?\d+)?)\s*+(px|pt|pc|in|cm|mm|rem|em|ex|ch|vw|vh|%)?\s*$")
_CLIP_NUMBERS: Final = re.compile(r"-?\d*\.?\d+")
_CLIPPED_AWAY: Final = re.compile(
    r"inset\(\s*(?:[5-9]\d(?:\.\d+)?|100)%|circle\(\s*0(?:px|%)?\s*(?:\)|at)|ellipse\(\s*0|"
    r"polygon\((?:\s*+0(?:px|%)?\s++0(?:px|%)?\s*+,?)+\)"
)
_SHRUNK: Final = re.compile(r"scale(?:3d|x|y)?\(\s*+0?\.?0*\d{0,1}\s*[,)]|matrix\(\s*0\s*,\s*0\s*,\s*0\s*,\s*0\b")
# Seen from the edge.
_EDGEWISE: Final = re.compile(r"(?:rotate[xy]|skew[xy]?)\(\s*-?(?:90|270)deg|(?:rotate[xy])\(\s*-?0?\.(?:25|75)turn")
_FROM_BEHIND: Final = re.compile(r"rotate[xy]\(\s*-?(?:180deg|0?\.5turn)")
_FADED_OUT: Final = re.compile(r"opacity\(\s*0(?:\.0\d*)?%?\s*\)")
_MASKED: Final = re.compile(r"gradient\((?:\s*(?:transparent|rgba\(0, ?0, ?0, ?0\))\s*,?){2,}\)")
_MOVED_AWAY: Final = re.compile(
    r"translate(?:3d|x|y)?\([^)]{0,200}?(?:\d{4,20}(?:\.\d{1,20})?(?:px|%)|\d{3,20}(?:vw|vh|em|rem))"
)
_SIZE_IN_FONT: Final = re.compile(r"(?:\d*\.)?\d+(?:px|pt|em|rem|%)|0(?:/|$)")
_SMALL: Final = {"xx-small": 9.0, "x-small": 10.0, "small": 13.0, "medium": 16.0, "large": 18.0, "x-large": 24.0}


class Unseen(PreformattedString):
    """Text that a trick hides, in its place; `reason` says which trick, `is_link` whether it is a link."""

    reason: str = ""
    is_link: bool = False

    def output_ready(self, formatter: object = None) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class ComputedStyle:
    """How text inside an element looks; colours are None for the default, () if unknown."""

    size_px: float = 16.0
    colour: Colour | tuple[()] = None
    background: Colour | tuple[()] = None
    # Why text is openly hidden; which trick hides it; and the harmless reason that it may have instead.
    left_out: str = ""
    trick: str = ""
    doubt: str = ""
    is_whole: bool = True
    # An element around it, other than the page itself, has a background of its own.
    on_ground: bool = False

    def hidden(self) -> tuple[str, str]:
        """Why text of this style is (openly hidden, hidden by a trick): both "" if it is visible."""
        if self.left_out:
            return self.left_out, ""
        trick = self.trick or ("text of one pixel or less" if self.size_px <= 1.0 else "")
        if trick:
            return (self.doubt, "") if self.doubt else ("", trick)
        return self._by_colour()

    def _by_colour(self) -> tuple[str, str]:
        colour = self.colour if self.colour is not None or not self.is_whole else BLACK
        if not colour:
            return "", ""
        if self.background is None:
            near = blends(colour, WHITE)
            return (MAYBE_WHITE, "") if near and not self.is_whole else ("", "white on white" if near else "")
        if self.background and blends(colour, self.background):
            return "", "text in the colour of its background"
        return "", ""


def computed_style(tag: Tag, declared: dict[str, str], outer: ComputedStyle) -> ComputedStyle:
    """The style of text in `tag`, which declares `declared` and is inside an element of the style `outer`."""
    if not declared and not tag.attrs and tag.name not in _HIDDEN_TAGS:
        return outer
    style = replace(
        outer,
        size_px=_size(declared, outer.size_px),
        colour=_text_colour(tag, declared, outer),
        background=_background(declared, outer),
    )
    left_out = style.left_out or _left_out(tag, declared)
    if left_out == NOT_SHOWN and declared.get("visibility") == "visible" and declared.get("display") != "none":
        left_out = ""
    trick = style.trick or _trick(declared, style.size_px) or (BEHIND if _is_behind(declared, outer) else "")
    doubt = style.doubt or (_doubt(tag, declared) if trick else "")
    if _SCREEN_READER_CLASS.search(" ".join(classes(tag))) and not left_out:
        left_out = FOR_READERS
    on_ground = style.on_ground or (tag.name not in ("html", "body") and style.background != outer.background)
    return replace(style, left_out=left_out, trick=trick, doubt=doubt, on_ground=on_ground)


def covers(declared: dict[str, str]) -> bool:
    """Whether an empty element with these styles covers all of the positioned element that it is in."""
    if declared.get("position") != "absolute" or declared.get("display") == "none":
        return False
    at_zero = [name for name in ("inset", "top", "left", "right", "bottom") if declared.get(name) in _ZERO]
    at_start, at_end = "inset" in at_zero or {"top", "left"} <= {*at_zero}, {"right", "bottom"} <= {*at_zero}
    is_full = "inset" in at_zero or at_end or declared.get("width") == "100%" == declared.get("height")
    is_opaque = bool(_background(declared, ComputedStyle())) and _number(declared.get("opacity", "1")) > 0.95
    return at_start and is_full and is_opaque and not declared.get("z-index", "").startswith("-")


def _is_behind(declared: dict[str, str], outer: ComputedStyle) -> bool:
    """Whether the element is drawn behind the background of one around it."""
    is_lower = declared.get("z-index", "").startswith("-") and declared.get("position", "static") != "static"
    return is_lower and outer.on_ground and bool(outer.background)


def _left_out(tag: Tag, declared: dict[str, str]) -> str:
    if tag.name == "noscript":
        return NO_SCRIPT
    is_hidden = (
        tag.name in ("template", "datalist")
        or (tag.name == "dialog" and not tag.has_attr("open"))
        or tag.has_attr("hidden")
        or str(tag.get("aria-hidden")).lower() == "true"
        or declared.get("display") == "none"
        or declared.get("visibility") in ("hidden", "collapse")
        or declared.get("content-visibility") == "hidden"
    )
    return NOT_SHOWN if is_hidden else ""


def _doubt(tag: Tag, declared: dict[str, str]) -> str:
    """The harmless reason for which the text may be hidden, "" if there is none."""
    is_moved = "text-indent" in declared or _HEADING.fullmatch(tag.name)
    if is_moved and (tag.name in _PICTURED or "url(" in declared.get("background", "")):
        return PICTURED
    beside_picture = tag.parent is not None and tag.parent.find("img") is not None
    if beside_picture and len(tag.get_text(strip=True)) <= _TITLE_CHARS:
        return PICTURED
    # The element seems to move in when the reader scrolls or opens it.
    moves = any(name in declared for name in ("transition", "animation", "animation-name"))
    has_mark = tag.has_attr("data-w-id") or tag.has_attr("data-aos")
    return FADED_IN if moves or has_mark or _FADING_CLASS.search(" ".join(classes(tag))) else ""


def _trick(declared: dict[str, str], size_px: float) -> str:
    if _number(declared.get("opacity", "")) < 0.05 or _FADED_OUT.search(declared.get("filter", "")):
        return "fully transparent"
    if any(_MASKED.search(declared.get(f"{prefix}{name}", "")) for prefix in ("", "-webkit-") for name in _MASKS):
        return "masked"
    transform = declared.get("transform", "")
    is_back = declared.get("backface-visibility") == "hidden" and _FROM_BEHIND.search(transform)
    if is_back or _EDGEWISE.search(transform):
        return "turned away"
    spacing = _px(declared.get("letter-spacing", ""), size_px)
    if spacing is not None and is_squeezed(1.0, spacing, size_px):
        return "letters on top of each other"
    is_zero = any(_number(declared.get(name, "")) == 0 for name in ("zoom", "scale"))
    if is_zero or _SHRUNK.search(transform):
        return "shrunk to nothing"
    if _is_clipped(declared):
        return "clipped away"
    if _is_boxless(declared, size_px):
        return "in an element without size"
    return "off the page" if _is_off(declared, size_px) else ""


def _is_clipped(declared: dict[str, str]) -> bool:
    clip = declared.get("clip", "")
    if clip.startswith("rect(") and declared.get("position") in ("absolute", "fixed"):
        top, right, bottom, left = [*map(float, _CLIP_NUMBERS.findall(clip)), 0.0, 99.0, 99.0, 0.0][:4]
        if bottom - top <= 1 or right - left <= 1:
            return "auto" not in clip
    return bool(_CLIPPED_AWAY.search(declared.get("clip-path", "")))


def _is_boxless(declared: dict[str, str], size_px: float) -> bool:
    overflow = " ".join(declared.get(name, "") for name in ("overflow", "overflow-x", "overflow-y"))
    if not re.search(r"hidden|clip|scroll|auto", overflow):
        return False
    sides = [_px(declared.get(name, ""), size_px) for name in ("width", "height", "max-width", "max-height")]
    return any(side is not None and side <= 1 for side in sides)


def _is_off(declared: dict[str, str], size_px: float) -> bool:
    names = ["text-indent", "margin-left", "margin-top", "translate"]
    if declared.get("position") in ("absolute", "fixed", "relative"):
        names += ["left", "right", "top", "bottom", "inset"]
    lengths = [_px(part, size_px) for name in names for part in _parts(declared.get(name, ""))]
    if any(length is not None and (length <= -_OFF_PX or length >= 10 * _OFF_PX) for length in lengths):
        return True
    return bool(_MOVED_AWAY.search(declared.get("transform", "")))


def _parts(value: str) -> list[str]:
    """The lengths in a value, those in `calc()` too where they stand alone."""
    return re.sub(r"calc\(([^()+*/]*)\)", r"\1", value).split()


def _text_colour(tag: Tag, declared: dict[str, str], outer: ComputedStyle) -> Colour | tuple[()]:
    fill = declared.get("-webkit-text-fill-color") or declared.get("color")
    if fill in ("inherit", "currentcolor", "unset", "revert", "initial"):
        return outer.colour if fill in ("inherit", "currentcolor", "unset") else None
    if fill is None:
        is_link = tag.name == "a" and tag.has_attr("href")
        return (_LINK if outer.is_whole else ()) if is_link else outer.colour
    clipped = declared.get("background-clip", "") + declared.get("-webkit-background-clip", "")
    if "text" in clipped or declared.get("text-shadow", "none") != "none":
        return ()
    rgba = _rgba(fill)
    if rgba is None:
        return ()
    # Transparent letters have the colour of what is behind them.
    behind = _background(declared, outer)
    return (behind or WHITE) if rgba[1] < 0.05 else rgba[0]


def _background(declared: dict[str, str], outer: ComputedStyle) -> Colour | tuple[()]:
    shorthand = declared.get("background", "")
    if re.search(r"url\(|gradient\(|image\(|unknown|var\(", shorthand + declared.get("background-color", "")):
        return ()
    value = declared.get("background-color", "")
    words = [value] if value else re.findall(r"[\w-]+\([^)]{0,200}\)|#\w+|[\w-]+", shorthand)
    for word in words:
        rgba = _rgba(word)
        if rgba is not None and rgba[1] > 0.05:
            return rgba[0] if rgba[1] > 0.9 else ()
    # A positioned element may be over a picture.
    if declared.get("position") in ("absolute", "fixed") and not outer.is_whole:
        return ()
    return outer.background


def _rgba(value: str) -> tuple[Colour, float] | None:
    """The colour and opacity that a value gives, None if it is no colour or not told."""
    colour = tinycss2.color4.parse_color(f"#{value}" if re.fullmatch(r"[0-9a-f]{6}", value) else value)
    if not isinstance(colour, tinycss2.color4.Color):
        return None
    if colour.space in _LIGHTNESS_SPACES:
        light, *tint = colour.to("lab").coordinates
        parts = (light / 100,) * 3 if max(map(abs, tint)) < _GREY_TINT else None
    else:
        parts = (colour.to("srgb") if colour.space in ("hsl", "hwb") else colour).coordinates
    if parts is None:
        return None
    red, green, blue = (round(255 * (part or 0.0)) for part in parts)
    return (red, green, blue), colour.alpha


def _size(declared: dict[str, str], outer_px: float) -> float:
    in_font = (word.split("/")[0] for word in declared.get("font", "").split() if _SIZE_IN_FONT.match(word))
    value = declared.get("font-size") or next(in_font, "")
    if value in _SMALL:
        return _SMALL[value]
    if value.endswith("%") and (found := _LENGTH.match(value)):
        return outer_px * float(found[1]) / 100
    length = _px(value, outer_px)
    return outer_px if length is None else length


def _px(value: str, size_px: float) -> float | None:
    """A length in pixels, None if it isn't one or is a percentage of an unknown size."""
    found = _LENGTH.match(value)
    if not found or (found[2] == "%" and float(found[1]) != 0):
        return None
    unit = found[2] or "px"
    return float(found[1]) * (size_px if unit in ("em", "ex", "ch") else _UNITS.get(unit, 1.0))


def _number(value: str) -> float:
    """A plain number or percentage, else infinity."""
    found = re.match(r"\s*((?:\d*\.)?\d+)(%?)\s*$", value)
    return float(found[1]) / (100 if found[2] else 1) if found else float("inf")
