"""Opens citations: the passage in its file, the page's picture, the whole file.

Whoever may read a run may open its citations, even after the file was removed from the GPT: versions keep it. The
quoted pages are always visible; other pages and the whole file only while the GPT is shared with the person and its
creator allows downloads. A file that the person attached is all theirs, until the chat is deleted.

An answer may cite files of other GPTs in its tree; then their creators decide. No citation, whatever it contains,
opens a file of a GPT that has no run in the tree.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext

from gpts.knowledge.documents import Citation, Passage, Unit
from gpts.knowledge.sections import Section, SectionBlock
from gpts.runs.steps import Finished, Log, PartNotes, Retrieval, ToolResult
from gpts.values import Value
from web.builder import units
from web.builder.access import may_have_files
from web.builder.models_files import FileToRead, KnowledgeFile
from web.rpc import NoResult, call_for
from web.runs import log
from web.runs.access import access_run
from web.runs.errors import NotShown
from web.runs.models import ConversationFile, Run
from web.runs.services import history
from web.runs.trees import gpts_of

# OCR of a scanned page takes up to 3 s, and may wait for another page.
TIMEOUT_S: Final = 20
# Of one person at once: as many as a browser asks for. The worker that writes answers has few more threads to spare.
AT_ONCE: Final = 6
# Not the tools queue, which indexing may keep busy for minutes.
QUEUE: Final = "model"
# The folder of the state directory for pictures of pages, which are rendered again if missing.
PICTURES: Final = "pages"


class ShownPage(Value):
    """A page with its picture, `width` by `height` pixels. `boxes` are the quoted words: x, y, width, height."""

    page: int
    width: int
    height: int
    boxes: tuple[tuple[float, float, float, float], ...] = ()


class SourceView(Value):
    """A quote in its file. `pages` are pictures of the quoted pages, empty where the format has no pictures.

    `trouble` tells people why pictures that should exist, or the section, are missing.
    """

    section: Section = Section(parts=())
    pages: tuple[ShownPage, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Cited:
    """A citation that the run's reader may open. `number` is its position among the answer's citations, from 0.

    `passage` is None in a log from another site; `file` when its row is gone, or neither a GPT in the run's tree nor
    a chat of the reader has it.
    `has_all`: the reader may see all pages and download the file.
    """

    run: Run
    number: int
    citation: Citation
    passage: Passage | None
    file: FileToRead | None
    has_all: bool

    @property
    def pages(self) -> tuple[int, ...]:
        """The pages of the quote, empty where the file has no pages."""
        first = self.citation.page
        if first is None:
            return ()
        breaks = self.passage.page_breaks if self.passage else ()
        return (first, *(page for at, page in breaks if self.citation.start < at < self.citation.end))

    @property
    def is_in_tree(self) -> bool:
        """Whether the run retrieved the quoted passage, or the segment is that of a file in its tree."""
        return self.passage is not None or (self.file is not None and self.file.segment == self.citation.segment)

    @property
    def n_pages(self) -> int:
        """How many pages of the file are known to hold text; 0 if the format has no pages."""
        return self.file.n_pages if self.file else 0

    def may_see(self, page: int) -> bool:
        """Whether the reader may see this page of the file."""
        return page in self.pages or (self.has_all and 1 <= page <= self.n_pages)


def place(unit: Unit, page: int | None, heading: str) -> str:
    """A place in a file, in words; empty if the file has neither pages nor headings."""
    first, _, rest = heading.partition(" > ")
    if unit == "sheet" and first:
        return ", ".join(filter(None, (gettext("sheet “{name}”").format(name=first), f"“{rest}”" if rest else "")))
    return ", ".join(filter(None, (units.numbered(unit, page) if page else "", f"“{heading}”" if heading else "")))


def where(citation: Citation | Passage) -> str:
    """The page, slide or sheet and the heading of a citation, and which other GPT gave it, in words; may be empty."""
    at = place(citation.unit, citation.page, citation.heading)
    return ", ".join(filter(None, (at, _given_by(citation))))


def _given_by(citation: Citation | Passage) -> str:
    if not citation.gpt:
        return ""
    is_answer = not (citation.file_id or citation.url)
    return gettext("answer of this GPT") if is_answer else gettext("from the GPT “{name}”").format(name=citation.gpt)


def web_url(citation: Citation) -> str:
    """The URL of a cited web page; empty for a file."""
    return citation.url if citation.url.startswith(("https://", "http://")) else ""


def source_url(run_id: UUID, number: int, citation: Citation) -> str:
    """The whole URL that opens source `number` of the run's answer: the cited web page, or our page of the passage.

    Only those who may read the run see that page.
    """
    return web_url(citation) or f"{settings.SITE_URL}{reverse('run_source', args=[run_id, number])}"


def access_citation(user: Any, run_id: UUID, number: int) -> Cited:
    """Source `number` of an answer of `user`'s own: the only way to open one for a person. Raises Http404.

    The sources of an answer without citations are the passages closest to the question that it declines.
    """
    run = access_run(user, run_id)
    steps = log.read(run.id)
    last = steps[-1] if steps else None
    if not isinstance(last, Finished) or number >= len(last.sources):
        raise Http404(gettext("Citation not found."))
    citation = last.sources[number]
    file = cited_file(run, citation)
    gpt = file.gpt if isinstance(file, KnowledgeFile) else run.gpt
    all_of_it = isinstance(file, ConversationFile) or may_have_files(user, gpt)
    passage = passage_of(steps, citation) or _earlier_passage(run, citation)
    return Cited(run, number, citation, passage, file, has_all=all_of_it)


def passage_of(steps: Log, citation: Citation) -> Passage | None:
    """The passage found in this turn that contains the quote verbatim, or the quote of a file that was read whole."""
    holding = (step for step in steps if isinstance(step, Retrieval | PartNotes | ToolResult))
    found = (passage for step in holding for passage in step.passages)
    is_read_whole = any(isinstance(step, Retrieval) and citation.file_name in step.whole_files for step in steps)
    whole = citation.as_passage() if citation.file_id and is_read_whole else None
    return next((passage for passage in found if _holds(passage, citation)), whole)


def _earlier_passage(run: Run, citation: Citation) -> Passage | None:
    """The passage of an earlier turn with the quote: a model that searches by itself may answer from it."""
    turns = reversed(history(run)) if citation.file_id and run.root_id is None else ()
    return next(filter(None, (passage_of(turn, citation) for turn in turns)), None)


def _holds(passage: Passage, citation: Citation) -> bool:
    start, end = citation.start - passage.start, citation.end - passage.start
    is_same = (passage.file_id, passage.segment) == (citation.file_id, citation.segment)
    return is_same and start >= 0 and passage.text[start:end] == citation.quote


def cited_file(run: Run, citation: Citation) -> FileToRead | None:
    """The cited file's row, also after it left the draft; None if no GPT in the run's tree has it.

    Or that of a file in a chat of the run's owner, delegations included.
    """
    try:
        file_id = UUID(citation.file_id)
    except ValueError:
        return None
    if attached := ConversationFile.objects.visible_to(run.owner).filter(id=file_id).first():
        return attached
    file = KnowledgeFile.objects.filter(id=file_id).select_related("gpt").first()
    if file is None or (file.gpt_id != run.version.gpt_id and file.gpt_id not in gpts_of(run)):
        return None
    return file


def view(cited: Cited) -> SourceView:
    """The quote in its file, as found by a worker, or that of an answer; if the file is gone, only `trouble`."""
    if cited.citation.gpt and not cited.citation.file_id and not cited.citation.url:
        return SourceView(
            section=Section(parts=(SectionBlock(text=cited.citation.quote, start=cited.citation.start),))
        )
    if not cited.is_in_tree:
        return SourceView(trouble=gettext("The source of this quote is no longer available."))
    source = cited.file.sha256 if cited.file and cited.citation.unit == "page" else ""
    at = cited.citation.start, cited.citation.end
    return _requested(cited, "workers.tasks.show_source", cited.citation.segment, source, *at)


def page_view(cited: Cited, page: int) -> ShownPage:
    """One page of the cited file, with its picture. Raises Http404, NotShown."""
    if cited.file is None or not cited.may_see(page):
        raise Http404(gettext("Page not found."))
    quoted = page in cited.pages
    found = view(cited) if quoted else _requested(cited, "workers.tasks.show_page", cited.file.sha256, page)
    shown = next((each for each in found.pages if each.page == page), None)
    if shown is None and found.trouble:
        raise NotShown(found.trouble)
    if shown is None:
        raise Http404(gettext("There is no picture of this page."))
    return shown


def _requested(cited: Cited, task: str, *args: str | int) -> SourceView:
    limits: Any = {"queue": QUEUE, "timeout_s": TIMEOUT_S, "most": AT_ONCE}
    try:
        return SourceView.model_validate(call_for(cited.run.owner_id, task, *map(str, args), **limits))
    except NoResult as error:
        return SourceView(trouble=str(error))


def picture(cited: Cited, page: int) -> Path:
    """The page's picture (WebP), rendered now if missing. Raises Http404, NotShown."""
    if cited.file is None or not cited.may_see(page):
        raise Http404(gettext("Page not found."))
    path = pictures_of(cited.file.sha256) / f"{page}.webp"
    if not path.is_file():
        page_view(cited, page)
    if not path.is_file():
        raise NotShown
    return path


def pictures_of(sha256: str) -> Path:
    """The folder for the page pictures of a stored file."""
    return settings.GUILDHALL_HOME / PICTURES / sha256


def download(cited: Cited) -> Path:
    """The file's bytes. Raises Http404 unless its creator lets people download it."""
    if cited.file is None or not cited.has_all or not cited.file.path.is_file():
        raise Http404(gettext("File not found, or you can’t download it."))
    return cited.file.path


def etag(cited: Cited, page: int) -> str:
    """The ETag of the page's picture, which reveals nothing about the file."""
    assert cited.file is not None
    return '"' + hashlib.sha256(f"{cited.file.sha256}/{page}".encode()).hexdigest()[:24] + '"'
