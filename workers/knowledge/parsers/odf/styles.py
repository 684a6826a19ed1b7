"""The styles of an OpenDocument file: what they hide, and the colours of text and its background."""

import re
from dataclasses import dataclass
from typing import Any, Final

from workers.knowledge.parsers.colours import MIN_POINTS, Colour, blends, from_hex
from workers.knowledge.parsers.odf import DRAW, FO, STYLE, TEXT

_MAX_CHAIN: Final = 20
HIDDEN: Final = "it is formatted as hidden text"


@dataclass(frozen=True, slots=True)
class TextLook:
    """How text is shown; `ground` is the colour behind it, None if unknown."""

    colour: Colour = None
    ground: Colour = None
    points: float = 12.0
    hidden: bool = False

    def trick(self) -> str:
        """How text of this look is hidden, "" if it is visible."""
        if self.hidden:
            return HIDDEN
        if self.points <= MIN_POINTS:
            return "it is too small to read"
        return "it has the same colour as its background" if blends(self.colour, self.ground) else ""


class OdfStyles:
    """The styles of a file by family and name."""

    def __init__(self, *roots: Any) -> None:
        self._styles: dict[tuple[str, str], Any] = {}
        for root in roots:
            for each in root.iter(f"{STYLE}style") if root is not None else ():
                self._styles[each.get(f"{STYLE}family", ""), each.get(f"{STYLE}name", "")] = each

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
        return TextLook(
            colour=None if is_auto else from_hex(colour) if colour else around.colour,
            ground=from_hex(ground) if has_ground else around.ground,
            points=_points(self.value(family, name, f"{FO}font-size"), around.points),
            hidden=hidden == "none" if hidden else around.hidden,
        )

    def fill(self, name: str) -> Colour:
        """The colour behind the text of a drawn shape of this style, None if unknown."""
        kind = self.value("graphic", name, f"{DRAW}fill") or self.value("presentation", name, f"{DRAW}fill")
        return from_hex(self.value("graphic", name, f"{DRAW}fill-color")) if kind == "solid" else None


def _points(size: str, around: float) -> float:
    found = re.fullmatch(r"((?:\d*\.)?\d+)(pt|%)", size)
    if not found:
        return around
    return float(found[1]) if found[2] == "pt" else around * float(found[1]) / 100
