"""Puts one document into another: an attachment into its message, a chapter into its book."""

from gpts.knowledge.documents import Document, Finding
from workers.knowledge.parsers.outline import Outline

_SEEN_BY_NOBODY = "Readers can't see this text: "


def add_document(outline: Outline, document: Document, under: int) -> None:
    """Add the blocks of `document` to `outline`, its headings below level `under`; its findings come along.

    Pages are those of the inner document and mean nothing in the outer one, so they are left off.
    """
    quarantined = {span: each for each in document.findings if each.severity == "quarantine" for span in each.spans}
    for start, block in document.placed():
        finding = quarantined.get((start, start + len(block.text)))
        if finding is not None:
            outline.invisible(block.text, _reason(finding))
        elif block.is_heading():
            outline.heading(block.text, under + 1 + block.heading.removesuffix(block.text).count(" > "))
        else:
            outline.lines(block.text)
    outline.left_out += [each for each in document.findings if each.severity == "note"]


def _reason(finding: Finding) -> str:
    return finding.message.removeprefix(_SEEN_BY_NOBODY).removesuffix(".")
