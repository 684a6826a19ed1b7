"""Screens a document for invisible content and for content meant for a model rather than a reader."""

from typing import Final

from gpts.knowledge.documents import Document, Finding
from gpts.safety.addressing import addresses_model, addressing_findings
from gpts.safety.hidden_characters import without_strays
from gpts.safety.stuffing import stuffed_repeats

_RAISED: Final = "It addresses a model. It isn't part of the text and stays out, whatever you decide."


def screened(document: Document) -> Document:
    """`document` without stray invisible characters, and with findings for its owner to decide on."""
    document = without_strays(document)
    known = tuple(_raised(each) for each in document.findings)
    document = document.model_copy(update={"findings": known})
    found = (*addressing_findings(document), *stuffed_repeats(document))
    return document.model_copy(update={"findings": _once((*known, *found))})


def _raised(finding: Finding) -> Finding:
    """`finding`, raised from a note if the text that was left out is addressed to a model."""
    if finding.severity == "quarantine" or not addresses_model(finding.excerpt):
        return finding
    return finding.model_copy(update={"severity": "quarantine", "message": f"{finding.message} {_RAISED}"})


def _once(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """`findings` with those of equal id (and so equal text) merged into one with all their spans."""
    by_id: dict[str, Finding] = {}
    for each in findings:
        if (before := by_id.get(each.id)) is not None:
            each = before.model_copy(update={"spans": (*before.spans, *each.spans)})
        by_id[each.id] = each
    return tuple(by_id.values())
