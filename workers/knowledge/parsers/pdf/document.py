"""PDF through pypdfium2: what a reader sees of each page, as headings, paragraphs and tables.

pypdfium2 alone extracts the text of 601 pages/s, pypdf 38; PyMuPDF is AGPL, docling needs model downloads. The steps
after it, mostly `visibility`, leave 35 to 40 pages/s of a book or article and 15 of dense print in columns (processor
time of one process, without text recognition; measured 2026-11).

pdfium repairs a wrong cross-reference table, but not a missing trailer, as of an interrupted download or upload. A
truncated file gets a new end: a catalog of its complete pages in the order of the file.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import closing
from typing import Final

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from gpts.knowledge.documents import Document
from workers.isolation.child import report_pages
from workers.isolation.errors import BrokenFile, PasswordProtected, ScannedPages
from workers.knowledge.parsers.outline import Outline
from workers.knowledge.parsers.pdf.continued import continue_tables
from workers.knowledge.parsers.pdf.layout import Placed
from workers.knowledge.parsers.pdf.lines import (
    LineStyle,
    TextLine,
    heading_styles,
    paragraphs,
    running_lines,
    write_paragraph,
)
from workers.knowledge.parsers.pdf.page_words import HiddenText
from workers.knowledge.parsers.pdf.pages import PageContent, content
from workers.knowledge.parsers.pdf.tables import Table
from workers.knowledge.parsers.pdf.visibility import DIFFERS, OFF_PAGE, REASONS

_OBJECT: Final = re.compile(rb"(?<!\d)(\d{1,7}) (\d{1,5}) obj\b")
_IS_PAGE: Final = re.compile(rb"/Type\s*/Page(?![A-Za-z])")
# Page dictionaries are shorter than this.
_MAX_DICTIONARY: Final = 20_000
_NO_RECOGNITION: Final = "The file has scanned pages, and text recognition isn't available on this site."
MAX_PAGES: Final = 3_000
MAX_CHARS: Final = 12_000_000
# Shorter hidden text only names something: a heading for bookmarks, a layer.
_MIN_QUARANTINED_WORDS: Final = 3
_MIN_QUARANTINED_LETTERS: Final = 8
# Scripts without spaces between words (Thai to Khmer, Japanese, Chinese).
_UNSPACED: Final = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
# The share of the words outside a page that are on the page beside it, if the file cuts spreads into pages.
_SPREAD: Final = 0.9
# Hidden lines repeated on this many pages are printer's marks.
_RUNNING_PAGES: Final = 3


def parse(data: bytes) -> Document:
    """The document in a PDF file, with page numbers."""
    source, is_cut = opened(data)
    if not len(source):
        raise BrokenFile
    outline = Outline(title=source.get_metadata_value("Title"))
    if is_cut:
        outline.notice("The end of this file is missing. The remaining pages were read.")
    pages = _pages(source, outline)
    _write(outline, pages)
    if is_cut or len(pages) < len(source):
        outline.removed("pages")
    if not outline.blocks:
        raise ScannedPages(_NO_RECOGNITION if any(page.unread for page in pages) else "")
    if pdfium_c.FPDFDoc_GetAttachmentCount(source.raw) > 0:
        outline.notice("Files attached to this PDF were left out. Upload them separately.")
    return outline.document()


def _pages(source: pdfium.PdfDocument, outline: Outline) -> list[PageContent]:
    """The contents of the pages, up to the limits. Raises BrokenFile if none can be opened."""
    n_pages = len(source)
    pages: list[PageContent] = []
    n_chars = n_broken = 0
    for number in range(min(n_pages, MAX_PAGES)):
        try:
            with closing(source[number]) as page:
                pages.append(content(page))
        except pdfium.PdfiumError:
            n_broken += 1
            outline.notice("This page is damaged and couldn't be read.", number + 1)
            pages.append(PageContent())
        n_chars += sum(len(each.item.text) for each in pages[-1].items if isinstance(each.item, TextLine))
        report_pages(number + 1, n_pages)
        if n_chars > MAX_CHARS:
            break
    if n_broken == len(pages):
        raise BrokenFile
    if len(pages) < n_pages:
        outline.notice(
            f"Only the first {len(pages):,} of {n_pages:,} pages were read. Split the file to use the rest."
        )
    return pages


def _write(outline: Outline, pages: Sequence[PageContent]) -> None:
    lines = [[each.item for each in page.items if isinstance(each.item, TextLine)] for page in pages]
    is_running = running_lines(lines)
    kept = [
        [each for each in page.items if not (isinstance(each.item, TextLine) and is_running(each.item))]
        for page in pages
    ]
    if not any(kept):
        # Each page is one line, which differs only in a number.
        kept = [page.items for page in pages]
    styles = heading_styles([[each.item for each in items if isinstance(each.item, TextLine)] for items in kept])
    repeated = _repeated([passage.text for page in pages for passage in page.hidden])
    shown = [_words(" ".join(map(_text, page.items))) for page in pages]
    continue_tables(kept)
    for number, (page, items) in enumerate(zip(pages, kept, strict=True), 1):
        beside = shown[max(0, number - 2)].union(*shown[number - 1 : number + 1])
        hidden = [(each, _harmless(each, shown[number - 1], beside, repeated)) for each in page.hidden]
        write_page(outline, items, styles, number, hidden)
        for text in page.comments:
            outline.leave_out(text, "a comment", number)
        for message in page.notices:
            outline.notice(message, number)
        if page.unread:
            outline.notice(
                "This page is a picture, and text recognition isn't available on this site.",
                number,
                missing="picture",
            )


def write_page(
    outline: Outline,
    items: Sequence[Placed],
    styles: Sequence[LineStyle],
    page: int,
    hidden: Sequence[tuple[HiddenText, str]] = (),
) -> None:
    """Write `items` with each hidden passage after the last item that begins before it.

    A passage is quarantined, or left out as what it is if that is known to be harmless.
    """
    after: dict[int, list[tuple[HiddenText, str]]] = {}
    for passage, known in hidden:
        before = [i for i, each in enumerate(items) if each.order < passage.after]
        after.setdefault(max(before, key=lambda i: items[i].order, default=-1), []).append((passage, known))
    _write_hidden(outline, after.get(-1, ()), page)
    run: list[TextLine] = []
    for i, each in enumerate(items):
        if isinstance(each.item, TextLine):
            run.append(each.item)
        if i in after or i + 1 == len(items) or not isinstance(items[i + 1].item, TextLine):
            for paragraph in paragraphs(run):
                write_paragraph(outline, paragraph, styles, page)
            run = []
        if isinstance(each.item, Table):
            for note in each.item.notes:
                outline.text(note, page)
            outline.table(each.item.rows, page)
        _write_hidden(outline, after.get(i, ()), page)


def _write_hidden(outline: Outline, passages: Iterable[tuple[HiddenText, str]], page: int) -> None:
    for passage, known in passages:
        if known:
            outline.leave_out(passage.text, f"{known} ({REASONS[passage.reason]})", page, marked=False)
        else:
            outline.invisible(passage.text, REASONS[passage.reason], page)


def _text(placed: Placed) -> str:
    item = placed.item
    return item.text if isinstance(item, TextLine) else " ".join(cell for row in item.rows for cell in row)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def _harmless(passage: HiddenText, shown: Set[str], beside: Set[str], is_mark: Callable[[str], bool]) -> str:
    """What hidden text is that nobody needs to see, "" if it may say something; `beside`: words near this page."""
    words = _words(passage.text)
    if passage.reason == DIFFERS:
        return "a wrong text layer"
    if words <= shown:
        return "hidden text that repeats what the page shows"
    if passage.reason == OFF_PAGE and (passage.is_cut or len(words & beside) >= _SPREAD * len(words)):
        return "text that the edge of the page cuts off"
    return "" if _says_something(passage.text) and not is_mark(passage.text) else "hidden text"


def _says_something(text: str) -> bool:
    words, n_letters = re.findall(r"[^\W\d_]+", text), sum(map(str.isalpha, text))
    if n_letters < _MIN_QUARANTINED_LETTERS:
        return False
    return len(words) >= _MIN_QUARANTINED_WORDS or len(_UNSPACED.findall(text)) >= _MIN_QUARANTINED_LETTERS


def _repeated(texts: Sequence[str]) -> Callable[[str], bool]:
    """A predicate for hidden texts that several pages repeat, apart from numbers."""
    counts = Counter(re.sub(r"\d+", "#", text) for text in texts)
    often = {key for key, n in counts.items() if n >= _RUNNING_PAGES}
    return lambda text: re.sub(r"\d+", "#", text) in often


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
    pages = list(_page_references(data))
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


def _page_references(data: bytes) -> Iterator[bytes]:
    """References to the pages in `data`."""
    for match in _OBJECT.finditer(data):
        end = data.find(b"endobj", match.end(), match.end() + _MAX_DICTIONARY)
        if end > 0 and _IS_PAGE.search(data[match.end() : end].split(b"stream", 1)[0]):
            yield b"%s %s R" % (match[1], match[2])
