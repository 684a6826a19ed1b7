"""What lies behind the text of a slide: its background, and the shapes below."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Self

from workers.knowledge.parsers.colours import WHITE, Colour
from workers.knowledge.parsers.odf import DRAW, PRESENTATION, STYLE
from workers.knowledge.parsers.odf.styles import OdfStyles, TextLook, length

# Shapes without an area.
_LINES: Final = frozenset(f"{DRAW}{name}" for name in ("line", "connector", "measure"))


@dataclass(frozen=True, slots=True)
class Scene:
    """A slide's colour (None if unknown) and its shapes and those of its master, from back to front."""

    ground: Colour
    layers: tuple[Any, ...]
    styles: OdfStyles

    @classmethod
    def of(cls, slide: Any, styles: Any, looks: OdfStyles) -> Self:
        """The scene of `slide`, whose master is in the root `styles`."""
        masters = styles.iter(f"{STYLE}master-page") if styles is not None else ()
        name = slide.get(f"{DRAW}master-page-name", "")
        master = next((each for each in masters if each.get(f"{STYLE}name") == name), None)
        pages = [slide] if master is None else [slide, master]
        fills = (looks.fill(each.get(f"{DRAW}style-name", ""), "drawing-page") for each in pages)
        ground = next((colour for is_filled, colour in fills if is_filled), WHITE)
        return cls(ground, tuple(shape for page in reversed(pages) for shape in _shapes(page)), looks)

    def look(self, frame: Any) -> TextLook:
        """How text of `frame` looks before its own styles: on the last filled shape below its middle."""
        ground = self.ground
        for layer in self.layers:
            if layer is frame:
                return TextLook(ground=ground)
            if _holds(layer, frame):
                is_filled, colour = self.styles.fill(layer.get(f"{DRAW}style-name", ""))
                is_bare = layer.tag == f"{DRAW}frame" and layer.find(f"{DRAW}text-box") is not None
                # Shapes are filled unless they say otherwise, and frames may hold pictures.
                ground = colour if is_filled or not is_bare else ground
        return TextLook()


def _shapes(page: Any) -> Iterator[Any]:
    """The shapes of a slide; of a master those that are no placeholders. What is in a group has its own place."""
    for each in page:
        if each.tag == f"{DRAW}g":
            yield from _shapes(each)
        elif (
            each.tag.startswith(DRAW) and each.tag not in _LINES and each.get(f"{PRESENTATION}placeholder") != "true"
        ):
            yield each


def _holds(layer: Any, frame: Any) -> bool:
    """Whether the middle of `frame` is in `layer`."""
    return all(
        0 <= length(frame, start) + length(frame, size) / 2 - length(layer, start) <= length(layer, size)
        for start, size in (("x", "width"), ("y", "height"))
    )
