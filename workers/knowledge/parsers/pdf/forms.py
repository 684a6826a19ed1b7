"""The values of form fields on a PDF page, and comments."""

import ctypes
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from workers.knowledge.parsers.pdf.characters import Numbers, transformed
from workers.knowledge.parsers.words import Word

_MAX_ANNOTATIONS: Final = 2_000
_MAX_CHARS: Final = 20_000
# Annotation flags (ISO 32000-1, 12.5.3): invisible, hidden, no view.
_UNSEEN_FLAGS: Final = 1 | 2 | 32
_COMMENTS: Final = (pdfium_c.FPDF_ANNOT_TEXT, pdfium_c.FPDF_ANNOT_FREETEXT, pdfium_c.FPDF_ANNOT_POPUP)
_TICKABLE: Final = (pdfium_c.FPDF_FORMFIELD_CHECKBOX, pdfium_c.FPDF_FORMFIELD_RADIOBUTTON)
_TYPED: Final = (
    pdfium_c.FPDF_FORMFIELD_TEXTFIELD,
    pdfium_c.FPDF_FORMFIELD_COMBOBOX,
    pdfium_c.FPDF_FORMFIELD_LISTBOX,
)
_MIN_CONTRAST: Final = 18


def field_values(page: pdfium.PdfPage, to_shown: Numbers) -> list[Word]:
    """The visible values of the page's form fields, each as one "word" at its field; a ticked box is "[x]"."""
    if page.formenv is None:
        return []
    found = []
    for annotation in _annotations(page):
        if pdfium_c.FPDFAnnot_GetSubtype(annotation) != pdfium_c.FPDF_ANNOT_WIDGET:
            continue
        text = _value(page.formenv.raw, annotation)
        if text and not pdfium_c.FPDFAnnot_GetFlags(annotation) & _UNSEEN_FLAGS:
            found.append(_word(annotation, text, to_shown))
    return _shown(page, found) if found else []


def comments(page: pdfium.PdfPage) -> Iterator[str]:
    """The texts of notes and text boxes that readers put on the page."""
    for annotation in _annotations(page):
        if pdfium_c.FPDFAnnot_GetSubtype(annotation) in _COMMENTS:
            read = partial(pdfium_c.FPDFAnnot_GetStringValue, annotation, b"Contents\0")
            if text := _string(read):
                yield text


def _annotations(page: pdfium.PdfPage) -> Iterator[Any]:
    for i in range(min(pdfium_c.FPDFPage_GetAnnotCount(page.raw), _MAX_ANNOTATIONS)):
        if annotation := pdfium_c.FPDFPage_GetAnnot(page.raw, i):
            try:
                yield annotation
            finally:
                pdfium_c.FPDFPage_CloseAnnot(annotation)


def _value(form: Any, annotation: Any) -> str:
    kind = pdfium_c.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind in _TICKABLE:
        return "[x]" if pdfium_c.FPDFAnnot_IsChecked(form, annotation) else ""
    if kind not in _TYPED:
        return ""
    return _string(partial(pdfium_c.FPDFAnnot_GetFormFieldValue, form, annotation))


def _string(read: Callable[[Any, int], int]) -> str:
    """The UTF-16 string that `read` writes into a buffer; without a buffer it returns the length."""
    size = min(read(None, 0), 2 * _MAX_CHARS)
    if size <= 2:
        return ""
    buffer = (ctypes.c_ushort * (size // 2 + 1))()
    read(buffer, size)
    return bytes(buffer).decode("utf-16-le", "replace").split("\0")[0].strip()


def _word(annotation: Any, text: str, to_shown: Numbers) -> Word:
    rect = pdfium_c.FS_RECTF()
    pdfium_c.FPDFAnnot_GetRect(annotation, ctypes.byref(rect))
    x0, y0, x1, y1 = transformed(np.array([rect.left, rect.bottom, rect.right, rect.top]), to_shown)[0].tolist()
    size = min(y1 - y0, 12.0)
    # The value is in the middle of a field of one line, else at its top.
    baseline = (y0 + y1) / 2 + 0.35 * size if y1 - y0 < 24 else y0 + size
    return Word(" ".join(text.split()), x0, y0, x1, y1, baseline, max(1.0, 0.75 * size))


def _shown(page: pdfium.PdfPage, words: list[Word]) -> list[Word]:
    """The `words` whose fields change the rendered page."""
    bare = page.render(scale=1, grayscale=True, draw_annots=False, may_draw_forms=False).to_numpy().astype(np.int16)
    filled = page.render(scale=1, grayscale=True, draw_annots=True, may_draw_forms=True).to_numpy()
    change = np.abs(filled - bare)
    kept = []
    for word in words:
        area = change[max(0, int(word.y0)) : int(word.y1) + 1, max(0, int(word.x0)) : int(word.x1) + 1]
        if area.size and area.max() >= _MIN_CONTRAST:
            kept.append(word)
    return kept
