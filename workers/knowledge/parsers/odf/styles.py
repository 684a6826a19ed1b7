"""The styles of an OpenDocument file: what they hide, and the colours of text and its background."""

import re
from dataclasses import dataclass
from typing import Any, Final

from workers.knowledge.parsers.colours import MIN_POINTS, Colour, blends, from_hex, is_squeezed
from workers.knowledge.parsers.odf import DRAW, FO, LOEXT, NUMBER, STYLE, SVG, TEXT

_MAX_CHAIN: Final = 20
_CM_PER_POINT: Final = 2.54 / 72
# Smaller frames, rows and columns show nothing.
LEAST_CM: Final = 0.03
# Per cent of the letters' size.
_MOST_RAISED: Final = 500
_TRANSPARENT: Final = ("0%", "1%", "2%", "3%")
HIDDEN: Final = "it is formatted as hidden text"


@dataclass(frozen=True, slots=True)
class TextLook:
    """How text is shown; `ground` is the colour behind it, None if unknown."""

    colour: Colour = None
    ground: Colour = None
    points: float = 12.0
    hidden: bool = False
    transparent: bool = False
    unreadable: bool = False

    def trick(self) -> str:
        """How text of this look is hidden, "" if it is visible."""
        if self.hidden:
            return HIDDEN
        if self.transparent:
            return "it is transparent"
        if self.points <= MIN_POINTS or self.unreadable:
            return "it is too small to read"
        return "it has the same colour as its background" if blends(self.colour, self.ground) else ""


class OdfStyles:
    """The styles of a file by family and name."""

    def __init__(self, *roots: Any) -> None:
        self._styles: dict[tuple[str, str], Any] = {}
        self._formats: dict[str, Any] = {}
        for root in roots:
            for each in root.iter(f"{STYLE}style") if root is not None else ():
                self._styles[each.get(f"{STYLE}family", ""), each.get(f"{STYLE}name", "")] = each
            for each in root.iter(f"{NUMBER}text-style") if root is not None else ():
                self._formats[each.get(f"{STYLE}name", "")] = each

    def value(self, family: str, name: str, attribute: str) -> str:
        """An attribute of any properties of the style or its parents, "" if none sets it."""
        for _ in range(_MAX_CHAIN):
            style = self._styles.get((family, name))
            if style is None:
                return ""
            for properties in style:
                if (found := properties.get(attribute)) is not None:
                    return str(found)
            name = style.get(f"{STYLE}parent-style-name", "")
        return ""

    def look(self, family: str, name: str, around: TextLook) -> TextLook:
        """How text of this style is shown inside text that looks like `around`."""
        if not name:
            return around
        colour = self.value(family, name, f"{FO}color")
        ground = self.value(family, name, f"{FO}background-color")
        is_auto = self.value(family, name, f"{STYLE}use-window-font-color") == "true"
        has_ground = ground not in ("", "transparent")
        hidden = self.value(family, name, f"{TEXT}display")
        points = _points(self.value(family, name, f"{FO}font-size"), around.points)
        opacity = self.value(family, name, f"{LOEXT}opacity")
        return TextLook(
            colour=None if is_auto else from_hex(colour) if colour else around.colour,
            ground=from_hex(ground) if has_ground else around.ground,
            points=points,
            hidden=hidden == "none" if hidden else around.hidden,
            # LibreOffice writes an opacity of 0 % with the automatic colour, which it ignores.
            transparent=around.transparent if is_auto or not opacity else opacity in _TRANSPARENT,
            unreadable=around.unreadable or self._is_unreadable(family, name, points),
        )

    def _is_unreadable(self, family: str, name: str, points: float) -> bool:
        """Whether a style squeezes letters together, or raises them off the page."""
        spacing = centimetres(self.value(family, name, f"{FO}letter-spacing")) / _CM_PER_POINT
        raised = re.match(r"-?(\d+)%", self.value(family, name, f"{STYLE}text-position"))
        scale = re.match(r"(\d+)%", self.value(family, name, f"{STYLE}text-scale"))
        is_away = raised is not None and int(raised[1]) > _MOST_RAISED
        return is_away or is_squeezed(int(scale[1]) / 100 if scale else 1.0, spacing, points)

    def is_closed(self, family: str, name: str, size: str, least: float = LEAST_CM) -> bool:
        """Whether rows or columns of this style are smaller than `least`, by default too small to show anything."""
        length = self.value(family, name, f"{STYLE}{size}")
        return bool(length) and centimetres(length) < least

    def hides_text(self, name: str) -> bool:
        """Whether a format of the cells of this style shows nothing of a text."""
        style = self._styles.get(("table-cell", name))
        form = self._formats.get(style.get(f"{STYLE}data-style-name", "")) if style is not None else None
        return form is not None and not form.findall(f"{NUMBER}text-content") and not "".join(form.itertext()).strip()

    def fill(self, name: str, *families: str) -> tuple[bool, Colour]:
        """Whether a style of these families fills its shape or slide, and its colour (None: unknown or none)."""
        for family in families or ("graphic", "presentation"):
            if kind := self.value(family, name, f"{DRAW}fill"):
                colour = self.value(family, name, f"{DRAW}fill-color")
                return kind != "none", from_hex(colour) if kind == "solid" else None
        return False, None


def length(shape: Any, name: str) -> float:
    """The x, y, width or height of a shape in centimetres, 0 if it has none."""
    return centimetres(shape.get(f"{SVG}{name}", ""))


def centimetres(length: str) -> float:
    """A length, 0 if it isn't one."""
    found = re.fullmatch(r"([-+]?(?:\d*\.)?\d+)(cm|mm|in|pt)", length)
    return float(found[1]) * {"cm": 1.0, "mm": 0.1, "in": 2.54, "pt": _CM_PER_POINT}[found[2]] if found else 0.0


def _points(size: str, around: float) -> float:
    found = re.fullmatch(r"((?:\d*\.)?\d+)(pt|%)", size)
    if not found:
        return around
    return float(found[1]) if found[2] == "pt" else around * float(found[1]) / 100
