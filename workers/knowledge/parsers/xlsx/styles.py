"""The cell formats of a workbook: number formats, and whether text is visible on its cell."""

from typing import Any, Final

from openpyxl.styles.colors import COLOR_INDEX
from openpyxl.styles.numbers import BUILTIN_FORMATS

from workers.knowledge.parsers.colours import MIN_POINTS, WHITE, Colour, blends, from_hex
from workers.knowledge.parsers.ooxml import Theme, attribute, number

S: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
# The order in which cells number the theme's colours.
_THEME_ORDER: Final = ("lt1", "dk1", "lt2", "dk2", *(f"accent{n}" for n in range(1, 7)), "hlink", "folHlink")


class CellStyles:
    """The formats that cells refer to by number."""

    def __init__(self, root: Any, theme: Any) -> None:
        self._theme = Theme.of(theme)
        self._codes: list[str] = []
        self._unseen: list[bool] = []
        if root is None:
            return
        own = {number(each.get("numFmtId")): each.get("formatCode", "") for each in root.iterfind(f".//{S}numFmt")}
        codes = BUILTIN_FORMATS | own
        fonts = [self._font(each) for each in root.iterfind(f"{S}fonts/{S}font")]
        fills = [self._fill(each) for each in root.iterfind(f"{S}fills/{S}fill")]
        for each in root.iterfind(f"{S}cellXfs/{S}xf"):
            font, fill = number(each.get("fontId")), number(each.get("fillId"))
            colour, size = fonts[font] if 0 <= font < len(fonts) else (None, 11.0)
            ground = fills[fill] if 0 <= fill < len(fills) else WHITE
            self._codes.append(codes.get(number(each.get("numFmtId")), "General"))
            self._unseen.append(blends(colour, ground) or size <= MIN_POINTS)

    def code(self, style: int) -> str:
        """The number format of cells of this style."""
        return self._codes[style] if 0 <= style < len(self._codes) else "General"

    def is_unseen(self, style: int) -> bool:
        """Whether text in cells of this style has the colour of the cell or is too small to read."""
        return 0 <= style < len(self._unseen) and self._unseen[style]

    def _font(self, font: Any) -> tuple[Colour, float]:
        try:
            points = float(attribute(font, f"{S}sz", "val", "11"))
        except ValueError:
            points = 11.0
        return self._colour(font.find(f"{S}color")), points

    def _fill(self, fill: Any) -> Colour:
        pattern = fill.find(f"{S}patternFill")
        if pattern is None:
            return None
        kind = pattern.get("patternType", "none")
        if kind == "none":
            return WHITE
        return self._colour(pattern.find(f"{S}fgColor")) if kind == "solid" else None

    def _colour(self, colour: Any) -> Colour:
        """A colour; None if it is a system colour, tinted or unknown."""
        if colour is None or number(colour.get("tint")) or float(colour.get("tint") or 0):
            return None
        if colour.get("rgb"):
            return from_hex(colour.get("rgb"))
        if colour.get("theme"):
            index = number(colour.get("theme"), -1)
            return self._theme.colours.get(_THEME_ORDER[index]) if 0 <= index < len(_THEME_ORDER) else None
        index = number(colour.get("indexed"), -1)
        return from_hex(COLOR_INDEX[index][2:]) if 0 <= index < len(COLOR_INDEX) else None
