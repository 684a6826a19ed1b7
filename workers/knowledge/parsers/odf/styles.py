"""The styles of an OpenDocument file: which text and tables they hide, and what is behind text."""

from dataclasses import dataclass
from typing import Any, Final

from workers.knowledge.parsers.colours import MIN_POINTS, Colour, blends, from_hex

_OASIS: Final = "urn:oasis:names:tc:opendocument:xmlns"
OFFICE: Final = f"{{{_OASIS}:office:1.0}}"
TEXT: Final = f"{{{_OASIS}:text:1.0}}"
TABLE: Final = f"{{{_OASIS}:table:1.0}}"
DRAW: Final = f"{{{_OASIS}:drawing:1.0}}"
STYLE: Final = f"{{{_OASIS}:style:1.0}}"
PRESENTATION: Final = f"{{{_OASIS}:presentation:1.0}}"
SVG: Final = f"{{{_OASIS}:svg-compatible:1.0}}"
FO: Final = f"{{{_OASIS}:xsl-fo-compatible:1.0}}"
_MAX_CHAIN: Final = 20


@dataclass(frozen=True, slots=True)
class OdfFormat:
    """How text is shown; `ground` is None if nothing is known of what is behind it."""

    colour: Colour = None
    ground: Colour = None
    points: float = 12.0
    hidden: bool = False

    def trick(self) -> str:
        """How a trick hides text of this look, "" if it is seen."""
        if self.points <= MIN_POINTS:
            return "it is too small to read"
        return "it has the same colour as its background" if blends(self.colour, self.ground) else ""


class OdfStyles:
    """All styles of a file by family and name."""

    def __init__(self, *roots: Any) -> None:
        self._styles: dict[tuple[str, str], Any] = {}
        for root in roots:
            for each in root.iter(f"{STYLE}style") if root is not None else ():
                self._styles[each.get(f"{STYLE}family", ""), each.get(f"{STYLE}name", "")] = each

    def value(self, family: str, name: str, attribute: str) -> str:
        """An attribute of any properties that the style or one it is based on sets, "" if none does."""
        for _ in range(_MAX_CHAIN):
            style = self._styles.get((family, name))
            if style is None:
                return ""
            for properties in style:
                if (found := properties.get(attribute)) is not None:
                    return str(found)
            name = style.get(f"{STYLE}parent-style-name", "")
        return ""

    def look(self, family: str, name: str, around: OdfFormat) -> OdfFormat:
        """How text of this style is shown inside text that is shown as `around`."""
        if not name:
            return around
        colour = self.value(family, name, f"{FO}color")
        ground = self.value(family, name, f"{FO}background-color")
        is_auto = self.value(family, name, f"{STYLE}use-window-font-color") == "true"
        has_ground = ground not in ("", "transparent")
        hidden = self.value(family, name, f"{TEXT}display")
        return OdfFormat(
            colour=None if is_auto else from_hex(colour) if colour else around.colour,
            ground=from_hex(ground) if has_ground else around.ground,
            points=_points(self.value(family, name, f"{FO}font-size"), around.points),
            hidden=hidden == "none" if hidden else around.hidden,
        )

    def fill(self, name: str, around: Colour) -> Colour:
        """The colour that a drawn shape of this style puts behind its text, None if that is not known."""
        kind = self.value("graphic", name, f"{DRAW}fill") or self.value("presentation", name, f"{DRAW}fill")
        if kind == "none":
            return around
        colour = self.value("graphic", name, f"{DRAW}fill-color") if kind == "solid" else ""
        return from_hex(colour)


def _points(size: str, around: float) -> float:
    try:
        if size.endswith("pt"):
            return float(size[:-2])
        if size.endswith("%"):
            return around * float(size[:-1]) / 100
    except ValueError:
        return around
    return around
