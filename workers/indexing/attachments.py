"""Reads files attached to messages or in vector stores, with the parsers and into the segments of knowledge files.

Nobody decides on findings of such a file, so what screening finds (hidden text, text that is meant for a model) is
left out, and a notice says so. A file that is too long for a conversation is refused there.
"""

from dataclasses import replace

from django.conf import settings

from gpts.knowledge.documents import Finding, Notice
from gpts.safety.findings import Decisions
from web.operate.services import any_model_can
from web.runs.files import PICTURES
from web.runs.models import ConversationFile
from web.runs.models_stores import StoreFile
from workers.isolation.errors import NoText, TooLarge
from workers.knowledge import segments
from workers.knowledge.content import SegmentInfo
from workers.knowledge.embed import Embedder
from workers.knowledge.pipeline import IndexingProgress, Report, build_segment, read_file, recipe_for

SEEN = "The model sees this picture."
NO_TEXT_IN_PICTURE = "There’s no text in this picture, and the model here can’t see pictures."


def read_attachment(file: ConversationFile | StoreFile, embedder: Embedder, report: Report) -> SegmentInfo:
    """The segment of the file without what screening found; its notices say how much that was.

    A picture without text has an empty segment if the model sees pictures. Raises a FileError or what `report`
    raises.
    """
    home, is_picture = settings.GUILDHALL_HOME, file.mime in PICTURES
    is_seen = is_picture and isinstance(file, ConversationFile) and any_model_can("sees_images")
    info = segments.reusable(home, recipe_for(file.sha256, embedder, owner=str(file.owner_id)).address())
    if info is None or _left_out(info.findings):
        try:
            info = _built(file, embedder, report)
        except NoText as error:
            if not is_seen:
                raise (NoText(NO_TEXT_IN_PICTURE) if is_picture else error) from error
            info = SegmentInfo(address="", title="", n_chunks=0, n_pages=0, n_tokens=0)
    n_found = len(info.findings)
    left_out = [Notice(message=_left_out_notice(n_found))] if n_found else []
    seen = [Notice(message=SEEN)] if is_seen else []
    return replace(info, notices=(*left_out, *seen, *info.notices))


def _left_out_notice(n: int) -> str:
    if n == 1:
        return "A passage with hidden or instruction-like text was left out."
    return f"{n} passages with hidden or instruction-like text were left out."


def _built(file: ConversationFile | StoreFile, embedder: Embedder, report: Report) -> SegmentInfo:
    is_limited = isinstance(file, ConversationFile)

    def checked(progress: IndexingProgress) -> None:
        if is_limited and progress.n_pages > settings.MAX_ATTACHMENT_PAGES:
            n, most = progress.n_pages, settings.MAX_ATTACHMENT_PAGES
            raise TooLarge(f"Too long to attach: {n:,} of {most:,} pages. Attach the part that matters.")
        report(progress)

    home, source, owner = settings.GUILDHALL_HOME, file.path, str(file.owner_id)
    document = read_file(home, source, checked, owner)
    n_chars = sum(len(block.text) for block in document.blocks)
    if is_limited and n_chars > settings.MAX_ATTACHMENT_CHARS:
        most = settings.MAX_ATTACHMENT_CHARS
        raise TooLarge(f"Too long to attach: {n_chars:,} of {most:,} characters. Attach the part that matters.")
    return build_segment(home, source, embedder, report, _left_out(document.findings), owner)


def _left_out(findings: tuple[Finding, ...]) -> Decisions:
    """The decision to drop each finding that is still in the text; notes were left out from the start."""
    return {each.id: "drop" for each in findings if each.severity != "note"}
