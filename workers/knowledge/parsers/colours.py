"""Whether text is visible: on its background, and by the size and place of its letters."""

import re
from typing import Final

# Red, green and blue, 0..255 each; None for a picture, a gradient or an unknown colour.
Colour = tuple[int, int, int] | None

WHITE: Final = (255, 255, 255)
BLACK: Final = (0, 0, 0)
# Below 18 levels of grey a rendered letter is invisible (measured 2026-11 on PDF pages), unless a channel differs by
# this much.
_MIN_GREY: Final = 18
_MIN_CHANNEL: Final = 48
# Smaller letters cannot be read; the smallest in print are 4 pt.
MIN_POINTS: Final = 2.0
# Letters scaled to less than this share of their width are a line; Word offers 33 % at the least.
_MIN_SCALE: Final = 0.1
# Letters that move together by this share of their size lie on top of each other.
_OVERLAP: Final = 0.45


def blends(text: Colour, ground: Colour) -> bool:
    """Whether text of this colour is invisible on this background; False if either is unknown."""
    if text is None or ground is None:
        return False
    channels = max(abs(a - b) for a, b in zip(text, ground, strict=True))
    return abs(_grey(text) - _grey(ground)) < _MIN_GREY and channels < _MIN_CHANNEL


def is_squeezed(scale: float, spacing: float, points: float) -> bool:
    """Whether letters of this size in points, scaled in width and `spacing` points apart, cannot be read."""
    return scale < _MIN_SCALE or spacing <= -_OVERLAP * points


def from_hex(digits: str | None) -> Colour:
    """The colour written as RRGGBB, #RRGGBB or AARRGGBB; None for anything else, such as "auto"."""
    found = re.fullmatch(r"#?(?:[0-9a-f]{2})?([0-9a-f]{6})", digits or "", re.I)
    if found is None:
        return None
    value = int(found.group(1), 16)
    return value >> 16, value >> 8 & 255, value & 255


def tinted(colour: Colour, multiplied: float, added: float) -> Colour:
    """`colour` with its lightness (0..1) multiplied and added to, roughly like DrawingML's lumMod and lumOff."""
    if colour is None:
        return None
    light = (max(colour) + min(colour)) / 510
    aim = min(1.0, max(0.0, light * multiplied + added))
    if aim >= light:
        share = (aim - light) / (1 - light) if light < 1 else 0.0
        return _mixed(colour, WHITE, share)
    return _mixed(colour, BLACK, 1 - aim / light)


def _mixed(colour: tuple[int, int, int], other: tuple[int, int, int], share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue


def _grey(colour: tuple[int, int, int]) -> float:
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
