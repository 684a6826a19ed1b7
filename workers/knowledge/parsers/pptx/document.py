"""PPTX: each slide under its title, its shapes in reading order, then its speaker notes. Pages are slides."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import dropwhile, islice
from typing import Any, Final

from gpts.knowledge.documents import Document
from workers.knowledge.parsers.colours import MIN_POINTS, Colour, blends, is_squeezed
from workers.knowledge.parsers.ooxml import A, Package, R, Theme, add_graphic, attribute, number, with_choices
from workers.knowledge.parsers.outline import Outline, flat, take_properties, tells_something
from workers.knowledge.parsers.pptx.shapes import (
    Box,
    P,
    Shape,
    background,
    fill_of,
    in_reading_order,
    placeholder_boxes,
    shapes_of,
    solid_fill,
)

_NO_CONTENT: Final = frozenset(["sldNum", "dt", "hdr", "sldImg"])
# Placeholders whose text has bullets by default.
_BULLETED: Final = frozenset(["body", "obj"])
# The default size of a slide in EMU: 10 by 7.5 inches.
_SLIDE_SIZE: Final = (9_144_000, 6_858_000)
_SAME_COLOUR: Final = "it has the same colour as its background"


def parse(data: bytes) -> Document:
    """The document in a PPTX file."""
    package = Package(data)
    outline = Outline(unit="slide")
    outline.title = take_properties(outline, package.root("", "core-properties"))
    root = package.archive.xml(package.main)
    size = root.find(f"{P}sldSz")
    width, height = (number(size.get("cx")), number(size.get("cy"))) if size is not None else _SLIDE_SIZE
    deck = _Deck(package, outline, Box(0, 0, width, height))
    for page, each in enumerate(root.iterfind(f"{P}sldIdLst/{P}sldId"), 1):
        if name := package.target(package.main, each.get(f"{R}id")):
            deck.slide(name, page)
        else:
            outline.notice("This slide is missing from the file.", page, missing="slide")
    outline.leave_out(" ".join(deck.comments), "comments")
    descriptions = filter(tells_something, dict.fromkeys(deck.descriptions))
    outline.leave_out(" ".join(descriptions), "picture descriptions")
    return outline.document()


@dataclass(frozen=True, slots=True)
class _Scene:
    """A slide with everything behind its text; `layers` are from back to front."""

    name: str
    page: int
    theme: Theme
    ground: Colour
    layers: tuple[Shape, ...]
    # What covers a shape may move away.
    is_animated: bool

    def behind(self, shape: Shape) -> Colour:
        """The colour behind the text of `shape`, None if unknown."""
        is_filled, colour = fill_of(shape, self.theme)
        if is_filled:
            return colour
        if shape.box is None:
            return None
        ground = self.ground
        for layer in self.layers:
            if layer.element is shape.element:
                break
            if layer.box is not None and layer.box.holds(shape.box):
                covers, colour = fill_of(layer, self.theme)
                ground = colour if covers else ground
        return ground

    def is_covered(self, shape: Shape) -> bool:
        """Whether a filled shape lies over all of `shape`."""
        above = dropwhile(lambda layer: layer.element is not shape.element, self.layers)
        return shape.box is not None and any(
            layer.box is not None
            and layer.box.contains(shape.box)
            and layer.name == "sp"
            and fill_of(layer, self.theme)[1] is not None
            for layer in islice(above, 1, None)
        )


class _Deck:
    """Reads the slides; collects comments and picture descriptions."""

    def __init__(self, package: Package, outline: Outline, bounds: Box) -> None:
        self.package, self.outline, self.bounds = package, outline, bounds
        self.footers: set[str] = set()
        # Many slides share a layout or master.
        self.shared = cache(package.archive.xml)
        self.comments: list[str] = []
        self.descriptions: list[str] = []

    def slide(self, name: str, page: int) -> None:
        """Add a slide, or leave it out if it is hidden."""
        root = self.package.archive.xml(name)
        if root.get("show") in ("0", "false"):
            self.outline.leave_out(" ".join(each.text or "" for each in root.iter(f"{A}t")), "a hidden slide", page)
            return
        scene, shapes = self._scene(name, root, page)
        titles = [shape for shape in shapes if shape.kind == "title" and _plain(shape.element)]
        title = " ".join(_plain(shape.element) for shape in titles)
        self.outline.heading(title if 0 < len(title) <= 200 else f"Slide {page}", 1, page)
        for shape in in_reading_order([shape for shape in shapes if shape not in titles]):
            self._shape(scene, shape)
        for text in (_plain(shape.element) for shape in titles if self._is_outside(shape)):
            # Known practice: such a title names the slide for screen readers. It stays the heading.
            if tells_something(text):
                self.outline.leave_out(text, "a title outside the slide", page)
        self._notes(name, page)
        for part in self.package.related(name, "comments", "comment"):
            self.comments += [each.text or "" for each in self.package.archive.xml(part).iter(f"{P}text", f"{A}t")]

    def _scene(self, name: str, root: Any, page: int) -> tuple[_Scene, list[Shape]]:
        layout = next(iter(self.package.related(name, "slideLayout")), "")
        master = next(iter(self.package.related(layout, "slideMaster")), "") if layout else ""
        roots = [root, *(self.shared(each) for each in (layout, master) if each)]
        # The mapping of theme colours is that of the slide, else of its layout, else of its master.
        paths = (f"{P}clrMapOvr/{A}overrideClrMapping", f"{P}clrMap")
        mappings = (found for each in roots for path in paths if (found := each.find(path)) is not None)
        theme = Theme.of(self.package.root(master, "theme") if master else None, next(mappings, None))
        lower = [shapes_of(each, {}) for each in reversed(roots[1:])]
        boxes: dict[str, Box] = {}
        for shapes in lower:
            boxes |= placeholder_boxes(shapes)
        own = shapes_of(root, boxes)
        # Placeholders of a layout are drawn by the slides themselves.
        drawn = [shape for shapes in lower for shape in shapes if not shape.kind]
        return _Scene(
            name, page, theme, background(roots, theme), (*drawn, *own), root.find(f"{P}timing") is not None
        ), own

    def _shape(self, scene: _Scene, shape: Shape) -> None:
        self.descriptions.append(attribute(shape.element, f".//{P}cNvPr", "descr"))
        if shape.kind in _NO_CONTENT:
            return
        if self._is_outside(shape):
            self.outline.invisible(_plain(shape.element), "it is outside the slide", scene.page)
        elif scene.is_covered(shape) and not scene.is_animated:
            self.outline.invisible(_plain(shape.element), "it is covered by another shape", scene.page)
        elif shape.name == "graphicFrame":
            self._frame(scene, shape)
        elif shape.name == "sp" and (shape.kind != "ftr" or _plain(shape.element) not in self.footers):
            if shape.kind == "ftr":
                self.footers.add(_plain(shape.element))
            self._text(scene, shape)

    def _is_outside(self, shape: Shape) -> bool:
        box, slide = shape.box, self.bounds
        return box is not None and (
            box.right <= 0 or box.bottom <= 0 or box.left >= slide.right or box.top >= slide.bottom
        )

    def _text(self, scene: _Scene, shape: Shape) -> None:
        body = shape.element.find(f"{P}txBody")
        if body is None:
            return
        reading = _TextReader(scene, scene.behind(shape), _font_colour(shape, scene.theme))
        items: list[str] = []
        for paragraph in body.iterfind(f"{A}p"):
            text = flat(reading.paragraph(paragraph))
            label = reading.label(paragraph, shape.kind in _BULLETED) if text else ""
            if label:
                items.append(f"{'  ' * _level(paragraph)}{label} {text}")
            elif text:
                self.outline.lines("\n".join(items), scene.page)
                items.clear()
                self.outline.text(text, scene.page)
        self.outline.lines("\n".join(items), scene.page)
        self.outline.tricks(reading.tricks, scene.page)

    def _frame(self, scene: _Scene, shape: Shape) -> None:
        for table in shape.element.iter(f"{A}tbl"):
            reading = _TextReader(scene, None, None)
            self.outline.table(list(_rows(table, reading)), scene.page)
            self.outline.tricks(reading.tricks, scene.page)
        add_graphic(self.outline, self.package, scene.name, shape.element, scene.page)

    def _notes(self, name: str, page: int) -> None:
        shapes = shapes_of(self.package.root(name, "notesSlide"), {})
        texts = [
            "\n".join(flat(_paragraph_text(each)) for each in shape.element.iter(f"{A}p"))
            for shape in shapes
            if shape.kind == "body"
        ]
        if any(text.strip() for text in texts):
            self.outline.heading("Notes", 2, page)
            for text in texts:
                self.outline.lines(text, page)


@dataclass(slots=True)
class _TextReader:
    """Reads paragraphs on one background; `colour` is the default of runs, `counts` the list items by level."""

    scene: _Scene
    ground: Colour
    colour: Colour
    tricks: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)

    def paragraph(self, paragraph: Any) -> str:
        """The visible text of the paragraph; hidden text goes to `tricks`."""
        shown = []
        for piece in with_choices(paragraph):
            text = _piece(piece)
            trick = self._trick(piece.find(f"{A}rPr")) if text.strip() else ""
            if trick:
                self.tricks.setdefault(trick, []).append(text)
            else:
                shown.append(text)
        return "".join(shown)

    def label(self, paragraph: Any, is_bulleted: bool) -> str:
        """The label of the paragraph: "2.", "-", or ""."""
        level = _level(paragraph)
        properties = paragraph.find(f"{A}pPr")
        marks = {each.tag.removeprefix(A): each for each in properties} if properties is not None else {}
        self.counts = {key: count for key, count in self.counts.items() if key <= level}
        if "buAutoNum" in marks:
            start = number(marks["buAutoNum"].get("startAt"), 1)
            self.counts[level] = self.counts.get(level, start - 1) + 1
            return f"{self.counts[level]}."
        self.counts.pop(level, None)
        if "buNone" in marks:
            return ""
        return "-" if is_bulleted or marks.keys() & {"buChar", "buBlip"} else ""

    def _trick(self, properties: Any) -> str:
        if properties is None:
            return _SAME_COLOUR if blends(self.colour, self.ground) else ""
        points = number(properties.get("sz"), 1_800) / 100
        if 0 < points <= MIN_POINTS or is_squeezed(1.0, number(properties.get("spc")) / 100, points):
            return "it is too small to read"
        fill = properties.find(f"{A}solidFill")
        colour, opacity = self.scene.theme.solid(fill) if fill is not None else (self.colour, 1.0)
        has_outline = properties.find(f"{A}ln/{A}solidFill") is not None
        if (opacity < 0.05 or properties.find(f"{A}noFill") is not None) and not has_outline:
            return "it is transparent"
        ground = self.scene.theme.solid(properties.find(f"{A}highlight"))[0] or self.ground
        return _SAME_COLOUR if blends(colour, ground) and not has_outline else ""


def _level(paragraph: Any) -> int:
    return min(8, max(0, number(attribute(paragraph, f"{A}pPr", "lvl"))))


def _piece(element: Any) -> str:
    if element.tag == f"{A}br":
        return " "
    return "".join(each.text or "" for each in element.iter() if each.tag.endswith("}t"))


def _paragraph_text(paragraph: Any) -> str:
    return "".join(_piece(each) for each in with_choices(paragraph))


def _plain(element: Any) -> str:
    return flat(" ".join(_paragraph_text(each) for each in element.iter(f"{A}p")))


def _font_colour(shape: Shape, theme: Theme) -> Colour:
    """The colour that a drawn shape gives its text; colours that placeholders get from the master are unknown."""
    own = shape.element.find(f"{P}txBody/{A}lstStyle/{A}lvl1pPr/{A}defRPr/{A}solidFill")
    if own is not None:
        return theme.solid(own)[0]
    return theme.solid(shape.element.find(f"{P}style/{A}fontRef"))[0]


def _rows(table: Any, reading: _TextReader) -> Iterator[list[str]]:
    """The rows of a table; merged cells are repeated."""
    above: list[str] = []
    for row in table.iterfind(f"{A}tr"):
        texts: list[str] = []
        for cell in row.iterfind(f"{A}tc"):
            column = len(texts)
            if cell.get("hMerge") in ("1", "true") and texts:
                text = texts[-1]
            elif cell.get("vMerge") in ("1", "true"):
                text = above[column] if column < len(above) else ""
            else:
                is_filled, colour = solid_fill(cell.find(f"{A}tcPr"), reading.scene.theme)
                reading.ground = colour if is_filled else None
                text = " ".join(flat(reading.paragraph(each)) for each in cell.iter(f"{A}p"))
            texts.append(text)
        above = texts
        yield texts
