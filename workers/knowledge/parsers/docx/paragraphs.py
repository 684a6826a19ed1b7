"""Reads a paragraph of a DOCX file: visible text, hidden text, and attached boxes, graphics and notes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any, Final

from workers.knowledge.parsers.colours import MIN_POINTS, Colour, blends, from_hex
from workers.knowledge.parsers.docx.styles import VAL, DocxStyles, RunFormat, W, is_off_page, style_of
from workers.knowledge.parsers.ooxml import MC, A, Theme, attribute, is_on, number, with_choices
from workers.knowledge.parsers.outline import flat, tells_something

_M: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_WP: Final = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
_WPS: Final = "{http://schemas.microsoft.com/office/word/2010/wordprocessingShape}"
_WPG: Final = "{http://schemas.microsoft.com/office/word/2010/wordprocessingGroup}"
_V: Final = "{urn:schemas-microsoft-com:vml}"

_SPACES: Final = frozenset(f"{W}{name}" for name in ("tab", "br", "cr", "ptab"))
_DELETED: Final = frozenset(f"{W}{name}" for name in ("del", "moveFrom"))
_PROPERTIES: Final = frozenset(f"{W}{name}" for name in ("pPr", "rPr", "sdtPr", "tblPr", "instrText", "delText"))
# Fields whose codes are addresses, names or a reference manager's data.
_TECHNICAL_FIELD: Final = re.compile(r"\s*(?:ADDIN|HYPERLINK|INCLUDE\w+|TOC|INDEX|\w*REF|SEQ|EMBED|LINK|TC|XE|RD)\b")
# Names and switches of fields are in capitals; date patterns repeat a letter.
_FIELD_WORD: Final = re.compile(r"\b(?!(\w)\1+\b)[A-Z]*[^\W\d_A-Z][^\W\d_]*+\b")
_MAX_CODE_CHARS: Final = 2_000

# 914,400 EMU are an inch; Word's pages are at most 22 inches wide.
_EMU_PER_INCH: Final = 914_400
_OFF_PAGE_EMU: Final = 22 * _EMU_PER_INCH
# The least width and height of a picture behind white text.
_BEHIND_EMU: Final = (2 * _EMU_PER_INCH, _EMU_PER_INCH // 2)
# Longer white text is not taken for a title on a picture.
_MAX_ON_PICTURE_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class ParagraphContext:
    """The colours that may be behind a paragraph, and the run properties set by its table."""

    grounds: tuple[Colour, ...]
    under: tuple[Any, ...] = ()


@dataclass(slots=True)
class ParagraphContent:
    """The content of a paragraph."""

    seen: list[str] = field(default_factory=list)
    all_bold: bool = True
    # Text hidden by tricks, by reason.
    tricks: dict[str, list[str]] = field(default_factory=dict)
    vanished: list[str] = field(default_factory=list)
    boxes: list[tuple[Any, ParagraphContext, str]] = field(default_factory=list)
    graphics: list[Any] = field(default_factory=list)
    # Footnotes and endnotes as (kind, id).
    notes: list[tuple[str, str]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The visible text."""
        return "".join(self.seen)


@dataclass(slots=True)
class ParagraphReader:
    """Reads paragraphs; collects tracked deletions, field codes and picture descriptions."""

    styles: DocxStyles
    theme: Theme
    deleted: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    descriptions: list[str] = field(default_factory=list)
    # Whether a picture or shape is behind the text, or floats anywhere, since the last page break.
    picture_behind: bool = False
    floating: bool = False

    def read(self, element: Any, context: ParagraphContext) -> ParagraphContent:
        """The content of the paragraph `element`."""
        above = list(self.styles.chain(style_of(element)))
        for each in (element, *above):
            is_shaded, colour = self.styles.shading(each.find(f"{W}pPr"))
            if is_shaded:
                context = replace(context, grounds=(colour,))
                break
        scan = _Scan(self, context, style_of(element), is_off_page=is_off_page(element, above))
        scan.children(element)
        code = "".join(scan.code)
        words = " ".join(found.group() for found in _FIELD_WORD.finditer(code))
        if tells_something(words) and not _TECHNICAL_FIELD.match(code):
            self.codes.append(flat(code)[:_MAX_CODE_CHARS])
        return scan.content


@dataclass(slots=True)
class _Scan:
    """Reads one paragraph; `fields` tells for each open field whether its result has begun."""

    reader: ParagraphReader
    context: ParagraphContext
    style: str
    is_off_page: bool = False
    content: ParagraphContent = field(default_factory=ParagraphContent)
    fields: list[bool] = field(default_factory=list)
    code: list[str] = field(default_factory=list)

    def children(self, element: Any) -> None:
        """Read the children of `element`, a paragraph or a wrapper of runs."""
        for child in with_choices(element):
            if child.tag == f"{W}r":
                self._run(child)
            elif child.tag in _DELETED:
                self.reader.deleted.append(" ".join(each.text or "" for each in child.iter(f"{W}delText", f"{W}t")))
            elif child.tag == f"{W}sdt" and is_on(child.find(f"{W}sdtPr/{W}showingPlcHdr"), VAL):
                continue  # a content control that only shows its prompt
            elif child.tag == f"{_M}t":
                self.content.seen.append(child.text or "")
            elif child.tag not in _PROPERTIES:
                self.children(child)

    def _run(self, run: Any) -> None:
        look = self.reader.styles.run_format(self.style, run.find(f"{W}rPr"), self.context.under)
        text = "".join(self._run_pieces(run))
        if not text:
            return
        if look.hidden:
            self.content.vanished.append(text)
        elif text.strip() and (trick := self._trick(look, text)):
            self.content.tricks.setdefault(trick, []).append(text)
        else:
            self.content.seen.append(text)
            self.content.all_bold &= look.bold or not text.strip()

    def _run_pieces(self, run: Any) -> Iterator[str]:
        for child in with_choices(run):
            name = child.tag.removeprefix(W)
            if name == "fldChar":
                self._field(child)
            elif name == "instrText":
                self.code.append(child.text or "")
            elif name in ("footnoteReference", "endnoteReference"):
                self.content.notes.append((name.removesuffix("Reference"), child.get(f"{W}id", "")))
            elif name in ("drawing", "pict", "object"):
                self._drawing(child)
            elif name == "lastRenderedPageBreak" or (name == "br" and child.get(f"{W}type") == "page"):
                self.reader.picture_behind = self.reader.floating = False
                yield " "
            elif not all(self.fields):
                continue
            elif name == "t":
                yield child.text or ""
            elif child.tag in _SPACES:
                yield " "
            elif name == "noBreakHyphen":
                yield "-"
            elif name == "ruby":
                yield "".join(each.text or "" for each in child.iterfind(f"{W}rubyBase//{W}t"))

    def _field(self, mark: Any) -> None:
        kind = mark.get(f"{W}fldCharType")
        if kind == "begin":
            self.fields.append(False)
        elif kind == "separate" and self.fields:
            self.fields[-1] = True
        elif kind == "end" and self.fields:
            self.fields.pop()

    def _trick(self, look: RunFormat, text: str) -> str:
        """How a trick hides a run from readers, "" if it is visible."""
        if look.points <= MIN_POINTS or look.unreadable:
            return "it is too small to read"
        if self.is_off_page:
            return "it is off the page, or in lines without height"
        if look.transparent:
            return "it is transparent"
        on_picture = self.reader.picture_behind and len(text) <= _MAX_ON_PICTURE_CHARS
        grounds = (look.ground,) if look.has_ground else self.context.grounds
        if all(blends(look.colour, ground) for ground in grounds) and (look.has_ground or not on_picture):
            return "it has the same colour as its background"
        return ""

    def _drawing(self, drawing: Any) -> None:
        anchor = drawing.find(f"{_WP}anchor")
        box_trick = ""
        if anchor is not None:
            self.reader.floating = True
            self.reader.picture_behind |= is_on(anchor, "behindDoc") and is_wide(anchor)
            box_trick = "it is outside the page" if _is_outside(anchor) else ""
        elif drawing.tag != f"{W}drawing":
            self.reader.floating = True
            styles = " ".join(each.get("style", "") for each in drawing.iter() if each.tag.startswith(_V))
            self.reader.picture_behind |= "z-index:-" in styles
        for properties in drawing.iter(f"{_WP}docPr"):
            self.reader.descriptions.append(properties.get("descr", ""))
        self.content.graphics.append(drawing)
        for box in _boxes(drawing):
            self.content.boxes.append((box, ParagraphContext(self._box_grounds(box)), box_trick))

    def _box_grounds(self, box: Any) -> tuple[Colour, ...]:
        """The colours that may be behind a text box: its fill, or the page or anything that floats there."""
        shape = next((each for each in box.iterancestors() if each.tag == f"{_WPS}wsp" or _is_vml_shape(each)), None)
        if shape is None:
            return (None,)
        if shape.tag.startswith(_V):
            if shape.get("filled") in ("f", "false") or shape.find(f"{_V}fill") is not None:
                return (None,)
            return (from_hex((shape.get("fillcolor") or "#ffffff").split()[0]),)
        properties = shape.find(f"{_WPS}spPr")
        for fill in properties if properties is not None else ():
            if fill.tag == f"{A}solidFill":
                return (self.reader.theme.solid(fill)[0],)
            if fill.tag in (f"{A}gradFill", f"{A}blipFill", f"{A}pattFill", f"{A}grpFill"):
                return (None,)
        style = shape.find(f"{_WPS}style/{A}fillRef")
        has_no_fill = properties is not None and properties.find(f"{A}noFill") is not None
        if style is not None and style.get("idx") != "0" and not has_no_fill:
            return (self.reader.theme.solid(style)[0],)
        anchors = [each for each in shape.iterancestors() if each.tag in (f"{_WPG}wgp", f"{_WP}anchor")]
        return (None,) if anchors or self.reader.floating else self.context.grounds


def _boxes(drawing: Any) -> list[Any]:
    """The outermost text boxes in a drawing, without the copies for old readers."""
    found = []
    for box in drawing.iter(f"{W}txbxContent"):
        above = {each.tag for each in takewhile(lambda each: each is not drawing, box.iterancestors())}
        if not above & {f"{W}txbxContent", f"{MC}Fallback"}:
            found.append(box)
    return found


def _is_vml_shape(element: Any) -> bool:
    return element.tag.startswith(_V) and element.tag != f"{_V}textbox"


def is_wide(anchor: Any) -> bool:
    """Whether a drawing is large enough to be behind text."""
    width, height = (number(attribute(anchor, f"{_WP}extent", side)) for side in ("cx", "cy"))
    return width >= _BEHIND_EMU[0] and height >= _BEHIND_EMU[1]


def _is_outside(anchor: Any) -> bool:
    """Whether a drawing is off the page or smaller than a point."""
    for axis, side in (("positionH", "cx"), ("positionV", "cy")):
        place = number(anchor.findtext(f"{_WP}{axis}/{_WP}posOffset"))
        size = number(attribute(anchor, f"{_WP}extent", side), _EMU_PER_INCH)
        if size < _EMU_PER_INCH // 72:
            return True
        # Offsets may count from a margin or a paragraph, which is on the page.
        if place > _OFF_PAGE_EMU or place + size < -_OFF_PAGE_EMU // 2:
            return True
    return False
