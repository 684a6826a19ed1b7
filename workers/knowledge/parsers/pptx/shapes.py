"""The shapes of a slide: their places, fills and reading order, and the slide's background."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from workers.knowledge.parsers.colours import WHITE, Colour
from workers.knowledge.parsers.ooxml import A, Theme, attribute, number, with_choices

P: Final = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
# Boxes that overlap by less are still next to each other, in EMU: a fifth of an inch.
_SLACK: Final = 914_400 // 5
_UNKNOWN_FILLS: Final = frozenset(f"{A}{name}" for name in ("gradFill", "blipFill", "pattFill", "grpFill"))


@dataclass(frozen=True, slots=True)
class Box:
    """A place on the slide, in EMU from its top left corner."""

    left: float
    top: float
    right: float
    bottom: float

    def holds(self, other: "Box") -> bool:
        """Whether the middle of `other` is in this box."""
        x, y = (other.left + other.right) / 2, (other.top + other.bottom) / 2
        return self.left <= x <= self.right and self.top <= y <= self.bottom

    def contains(self, other: "Box") -> bool:
        """Whether all of `other` is in this box."""
        is_beside = other.left < self.left or other.right > self.right
        return not (is_beside or other.top < self.top or other.bottom > self.bottom)


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape of a slide; `box` is None if neither the shape nor its layout gives its place."""

    element: Any
    box: Box | None
    kind: str = ""

    @property
    def name(self) -> str:
        """The element's name: sp, pic, graphicFrame, cxnSp."""
        return self.element.tag.removeprefix(P)


def shapes_of(root: Any, inherited: dict[str, Box]) -> list[Shape]:
    """The shapes of a slide, layout or master, from back to front, with groups flattened."""
    tree = root.find(f"{P}cSld/{P}spTree")
    return list(_shapes(tree, inherited, (0.0, 0.0, 1.0, 1.0))) if tree is not None else []


def placeholder_boxes(shapes: Sequence[Shape]) -> dict[str, Box]:
    """The places of placeholders by index and by kind, which slides inherit from the layout."""
    boxes: dict[str, Box] = {}
    for shape in shapes:
        mark = _placeholder(shape.element)
        if mark is not None and shape.box is not None:
            boxes |= {f"#{mark.get('idx', '0')}": shape.box, _kind(mark): shape.box}
    return boxes


def in_reading_order(shapes: Sequence[Shape]) -> list[Shape]:
    """`shapes` column by column if a clear gap separates them, else from top to bottom; those without a box last."""
    placed = [(shape.box, shape) for shape in shapes if shape.box is not None]
    return [*_cut(placed), *(shape for shape in shapes if shape.box is None)]


def solid_fill(properties: Any, theme: Theme) -> tuple[bool, Colour]:
    """Whether properties of a shape, cell or background set a fill, and its colour (None: unknown)."""
    for fill in properties if properties is not None else ():
        if fill.tag == f"{A}solidFill":
            colour, opacity = theme.solid(fill)
            return opacity > 0.1, colour if opacity > 0.9 else None
        if fill.tag in _UNKNOWN_FILLS:
            return True, None
    return False, None


def fill_of(shape: Shape, theme: Theme) -> tuple[bool, Colour]:
    """Whether a shape covers what is behind it, and its colour (None: unknown)."""
    if shape.name in ("pic", "graphicFrame"):
        return True, None
    properties = shape.element.find(f"{P}spPr")
    is_filled, colour = solid_fill(properties, theme)
    style = shape.element.find(f"{P}style/{A}fillRef")
    has_no_fill = properties is not None and properties.find(f"{A}noFill") is not None
    if is_filled or has_no_fill or style is None or style.get("idx") == "0":
        return is_filled, colour
    return True, theme.solid(style)[0]


def background(roots: Sequence[Any], theme: Theme) -> Colour:
    """The colour of a slide, its layout or its master (`roots`), else white; None if unknown."""
    for root in roots:
        ground = root.find(f"{P}cSld/{P}bg")
        if ground is None:
            continue
        is_filled, colour = solid_fill(ground.find(f"{P}bgPr"), theme)
        reference = ground.find(f"{P}bgRef")
        # Fills from 1001 on are the theme's backgrounds, of which the first is plain.
        if reference is not None:
            is_filled, colour = True, theme.solid(reference)[0] if reference.get("idx") in ("0", "1001") else None
        return colour if is_filled else WHITE
    return WHITE


def _shapes(tree: Any, inherited: dict[str, Box], frame: tuple[float, float, float, float]) -> Iterator[Shape]:
    """`frame` maps a group's coordinates to the slide's: offset in x and y, scale in x and y."""
    for element in with_choices(tree):
        name = element.tag.removeprefix(P)
        if name == "grpSp":
            yield from _shapes(element, inherited, _inner_frame(element, frame))
        elif name in ("sp", "pic", "graphicFrame", "cxnSp") and not _is_hidden(element):
            mark = _placeholder(element)
            box = _own_box(element, frame)
            if box is None and mark is not None:
                box = inherited.get(f"#{mark.get('idx', '0')}") or inherited.get(_kind(mark))
            yield Shape(element, box, _kind(mark) if mark is not None else "")


def _is_hidden(element: Any) -> bool:
    return attribute(element, f".//{P}cNvPr", "hidden") in ("1", "true")


def _placeholder(element: Any) -> Any:
    return element.find(f"./*/{P}nvPr/{P}ph")


def _kind(mark: Any) -> str:
    kind = mark.get("type", "obj")
    return "title" if kind == "ctrTitle" else str(kind)


def _own_box(element: Any, frame: tuple[float, float, float, float]) -> Box | None:
    place = element.find(f"{P}xfrm")
    place = element.find(f"{P}spPr/{A}xfrm") if place is None else place
    if place is None or place.find(f"{A}off") is None or place.find(f"{A}ext") is None:
        return None
    offset, extent = place.find(f"{A}off"), place.find(f"{A}ext")
    left = frame[0] + number(offset.get("x")) * frame[2]
    top = frame[1] + number(offset.get("y")) * frame[3]
    return Box(left, top, left + number(extent.get("cx")) * frame[2], top + number(extent.get("cy")) * frame[3])


def _inner_frame(group: Any, frame: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    place = group.find(f"{P}grpSpPr/{A}xfrm")
    parts = [place.find(f"{A}{name}") for name in ("off", "ext", "chOff", "chExt")] if place is not None else []
    offset, extent, inner, inner_extent = parts or [None] * 4
    if offset is None or extent is None or inner is None or inner_extent is None:
        return frame
    scale_x = frame[2] * number(extent.get("cx")) / max(1, number(inner_extent.get("cx")))
    scale_y = frame[3] * number(extent.get("cy")) / max(1, number(inner_extent.get("cy")))
    left = frame[0] + number(offset.get("x")) * frame[2] - number(inner.get("x")) * scale_x
    top = frame[1] + number(offset.get("y")) * frame[3] - number(inner.get("y")) * scale_y
    return left, top, scale_x, scale_y


def _cut(placed: list[tuple[Box, Shape]]) -> list[Shape]:
    """The shapes split at vertical gaps first (columns), then at horizontal ones (rows), while there are any."""
    if len(placed) > 1:
        for start, end in (("left", "right"), ("top", "bottom")):
            parts = _parted(placed, start, end)
            if len(parts) > 1:
                return [shape for part in parts for shape in _cut(part)]
    return [shape for _, shape in sorted(placed, key=lambda each: (each[0].top, each[0].left))]


def _parted(placed: list[tuple[Box, Shape]], start: str, end: str) -> list[list[tuple[Box, Shape]]]:
    parts: list[list[tuple[Box, Shape]]] = []
    reach = 0.0
    for each in sorted(placed, key=lambda pair: getattr(pair[0], start)):
        if not parts or getattr(each[0], start) >= reach - _SLACK:
            parts.append([])
            reach = getattr(each[0], end)
        parts[-1].append(each)
        reach = max(reach, getattr(each[0], end))
    return parts
