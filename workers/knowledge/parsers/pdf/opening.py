"""Opens PDF files, including those truncated by an interrupted download or upload.

pdfium repairs a wrong cross-reference table, but not a missing trailer. A truncated file gets a new end: a catalog of
its complete pages in the order of the file.
"""

import re
from collections.abc import Iterator
from typing import Final

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from workers.knowledge.errors import BrokenFile, PasswordProtected

_OBJECT: Final = re.compile(rb"(?<!\d)(\d{1,7}) (\d{1,5}) obj\b")
_IS_PAGE: Final = re.compile(rb"/Type\s*/Page(?![A-Za-z])")
# Page dictionaries are shorter than this.
_MAX_DICTIONARY: Final = 20_000


def opened(data: bytes) -> tuple[pdfium.PdfDocument, bool]:
    """The document in `data`, and whether its end was missing. Raises PasswordProtected or BrokenFile."""
    is_cut = False
    try:
        source = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if "password" in str(error).lower():
            raise PasswordProtected from error
        source, is_cut = _mended(data), True
    if source.get_formtype() != pdfium_c.FORMTYPE_NONE:
        source.init_forms()
    return source, is_cut


def _mended(data: bytes) -> pdfium.PdfDocument:
    pages = list(_pages(data))
    # The missing end of an encrypted file holds the data needed to decrypt it.
    if not pages or b"/Encrypt" in data:
        raise BrokenFile
    first = 1 + max(int(match[1]) for match in _OBJECT.finditer(data))
    end = b"\n%d 0 obj\n<< /Type /Catalog /Pages %d 0 R >>\nendobj\n" % (first, first + 1)
    end += b"%d 0 obj\n<< /Type /Pages /Count %d /Kids [%s] >>\nendobj\n" % (first + 1, len(pages), b" ".join(pages))
    end += b"trailer << /Size %d /Root %d 0 R >>\nstartxref\n0\n%%%%EOF" % (first + 2, first)
    try:
        # An unfinished stream would hide the new end.
        return pdfium.PdfDocument(data[: data.rindex(b"endobj") + len(b"endobj")] + end)
    except pdfium.PdfiumError as error:
        raise BrokenFile from error


def _pages(data: bytes) -> Iterator[bytes]:
    """References to the pages in `data`."""
    for match in _OBJECT.finditer(data):
        end = data.find(b"endobj", match.end(), match.end() + _MAX_DICTIONARY)
        if end > 0 and _IS_PAGE.search(data[match.end() : end].split(b"stream", 1)[0]):
            yield b"%s %s R" % (match[1], match[2])
