"""Shared parts of DOCX, PPTX and XLSX: packages with relations, themes, charts and diagrams.

The parsers read the XML instead of using python-docx, python-pptx and openpyxl. Those open archives without our
limits, refuse files that Office opens (strict namespaces, dangling relations, odd styles), and don't show hidden
text, footnotes, text boxes, charts, hidden rows or formatted numbers.
"""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from workers.isolation.errors import BrokenFile
from workers.knowledge.archives import Archive
from workers.knowledge.parsers.colours import Colour, from_hex, tinted
from workers.knowledge.parsers.outline import Outline, flat

_SCHEMAS: Final = "http://schemas.openxmlformats.org/"
A: Final = f"{{{_SCHEMAS}drawingml/2006/main}}"
C: Final = f"{{{_SCHEMAS}drawingml/2006/chart}}"
DGM: Final = f"{{{_SCHEMAS}drawingml/2006/diagram}}"
R: Final = f"{{{_SCHEMAS}officeDocument/2006/relationships}}"
MC: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
# The names of colours in slides and text, and their default names in the theme.
_USUAL_MAP: Final = {"bg1": "lt1", "tx1": "dk1", "bg2": "lt2", "tx2": "dk2"}
_OFF: Final = frozenset(["0", "false", "off", "none"])
_MAX_POINTS: Final = 1_000


class Package:
    """The parts of an OOXML file."""

    def __init__(self, data: bytes) -> None:
        self.archive = Archive(data)
        self._known: dict[str, dict[str, tuple[str, str]]] = {}
        main = self.related("", "officeDocument")
        if not main:
            raise BrokenFile
        self.main: str = main[0]

    def related(self, part: str, *kinds: str) -> list[str]:
        """The names of the parts that `part` ("" is the package) has relations of these kinds to.

        A kind is the last word of a relation's type: "slide", "notesSlide".
        """
        relations = self._relations(part).values()
        return [target for wanted in kinds for kind, target in relations if kind == wanted]

    def root(self, part: str, kind: str) -> Any:
        """The root of the first part that `part` has a relation of this kind to, an empty one if there is none."""
        names = self.related(part, kind)
        return self.archive.xml(names[0]) if names else etree.Element("none")

    def target(self, part: str, relation_id: str | None) -> str:
        """The name of the part with this relation id, "" if there is none."""
        return self._relations(part).get(relation_id or "", ("", ""))[1]

    def _relations(self, part: str) -> dict[str, tuple[str, str]]:
        """The relations of `part` to parts that exist, as (kind, name) by id."""
        if part not in self._known:
            self._known[part] = dict(self._read_relations(part))
        return self._known[part]

    def _read_relations(self, part: str) -> Iterator[tuple[str, tuple[str, str]]]:
        folder, name = posixpath.split(part)
        path = posixpath.join(folder, "_rels", f"{name}.rels")
        if path not in self.archive:
            return
        for each in self.archive.xml(path):
            target = posixpath.normpath(posixpath.join("/", folder, each.get("Target", ""))).lstrip("/")
            if each.get("TargetMode") != "External" and target in self.archive:
                yield each.get("Id", ""), (each.get("Type", "").rsplit("/", 1)[-1], target)


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a theme by name, and the names that a file uses for them."""

    colours: dict[str, Colour]
    names: dict[str, str]

    @classmethod
    def of(cls, root: Any, mapping: Any = None) -> "Theme":
        """The theme in a theme part, with a master's clrMap; without a part only black and white are known."""
        colours: dict[str, Colour] = {"lt1": (255, 255, 255), "dk1": (0, 0, 0)}
        scheme = root.find(f".//{A}clrScheme") if root is not None else None
        for slot in scheme if scheme is not None else ():
            if len(slot):
                value = slot[0].get("lastClr") or slot[0].get("val")
                colours[slot.tag.removeprefix(A)] = from_hex(value)
        return cls(colours, dict(mapping.items()) if mapping is not None else _USUAL_MAP)

    def named(self, name: str | None) -> Colour:
        """The colour that text, a shape or a slide calls `name`."""
        return self.colours.get(self.names.get(name or "", name or ""))

    def solid(self, fill: Any) -> tuple[Colour, float]:
        """The colour and opacity (0..1) of a solidFill, or another element that holds one colour."""
        if fill is None or not len(fill):
            return None, 1.0
        element = fill[0]
        kind = element.tag.removeprefix(A)
        colour = self.named(element.get("val")) if kind == "schemeClr" else None
        if kind in ("srgbClr", "sysClr"):
            colour = from_hex(element.get("lastClr") or element.get("val"))
        changes = {each.tag.removeprefix(A): _share(each) for each in element}
        colour = tinted(colour, changes.get("lumMod", 1.0), changes.get("lumOff", 0.0))
        # Tints and shades are rare on text, and their colours are taken as unknown.
        if {"tint", "shade", "satMod", "hueMod"} & changes.keys():
            colour = None
        return colour, changes.get("alpha", 1.0)


def _share(element: Any) -> float:
    """A percentage in thousandths ("50000") or, in strict files, with a sign ("50%"), as a share."""
    value = element.get("val") or "100000"
    try:
        return float(value[:-1]) / 100 if value.endswith("%") else float(value) / 100_000
    except ValueError:
        return 1.0


def is_on(element: Any, name: str = "val") -> bool:
    """Whether a switch is present and not set to "0", "false", "off" or "none"."""
    return element is not None and element.get(name, "1") not in _OFF


def attribute(element: Any, path: str, name: str, default: str = "") -> str:
    """The attribute `name` of the element at `path` in `element`, `default` if any of the three is missing."""
    found = element.find(path) if element is not None else None
    return str(found.get(name, default)) if found is not None else default


def number(text: str | None, default: int = 0) -> int:
    """`text` as an integer, also if it is a float; `default` if it is neither."""
    try:
        return int(float(text)) if text is not None else default
    except (ValueError, OverflowError):
        return default


def with_choices(element: Any) -> Iterator[Any]:
    """The children of `element`; of alternatives, those of the first that isn't empty."""
    for child in element:
        if child.tag == f"{MC}AlternateContent":
            chosen = next((each for each in child if len(each)), ())
            yield from with_choices(chosen)
        else:
            yield child


def chart_rows(root: Any) -> tuple[str, list[list[str]]]:
    """The title of a chart, and its values with a row per category and a column per series."""
    title = flat(" ".join(each.text or "" for each in root.iterfind(f".//{C}chart/{C}title//{A}t")))
    columns = list(root.iter(f"{C}ser"))[:50]
    if not columns:
        return title, []
    labels: dict[int, str] = {}
    values: list[dict[int, str]] = []
    names = []
    for order, series in enumerate(columns, 1):
        names.append(series.findtext(f"{C}tx//{C}v") or f"Series {order}")
        labels |= {key: text for key, text in _points(series, "cat", "xVal").items() if key not in labels}
        values.append(_points(series, "val", "yVal"))
    keys = sorted(labels.keys() | {key for column in values for key in column})[:_MAX_POINTS]
    body = [[labels.get(key, str(key + 1)), *(column.get(key, "") for column in values)] for key in keys]
    return title, [[" ", *names], *body] if body else []


def _points(series: Any, *names: str) -> dict[int, str]:
    for name in names:
        source = series.find(f"{C}{name}")
        if source is not None:
            return {number(each.get("idx")): _value(each) for each in source.iter(f"{C}pt")}
    return {}


def _value(point: Any) -> str:
    text = point.findtext(f"{C}v") or ""
    try:
        return f"{float(text):.10g}" if text.strip("-0123456789") else text
    except ValueError:
        return text


def add_graphic(outline: Outline, package: Package, part: str, graphic: Any, page: int | None = None) -> None:
    """Add the charts and diagrams ("SmartArt") that a drawing of `part` refers to."""
    for chart in graphic.iter(f"{C}chart"):
        if name := package.target(part, chart.get(f"{R}id")):
            title, rows = chart_rows(package.archive.xml(name))
            outline.text(f"Chart: {title}" if title else "", page)
            outline.table(rows, page)
    for diagram in graphic.iter(f"{DGM}relIds"):
        if name := package.target(part, diagram.get(f"{R}dm")):
            points = package.archive.xml(name).iter(f"{DGM}pt")
            texts = [flat("".join(each.text or "" for each in point.iter(f"{A}t"))) for point in points]
            outline.lines("\n".join(f"- {text}" for text in texts if text), page)
