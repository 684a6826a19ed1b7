"""Screens a document for invisible content and for content meant for a model rather than a reader."""

from typing import Final

from gpts.knowledge.documents import Document, Finding
from gpts.safety.addressing import addresses_model, addressing_findings
from gpts.safety.hidden_characters import without_strays

_ADDRESSING: Final = "It seems to address a model."


def screened(document: Document) -> Document:
    """`document` without stray invisible characters, and with findings for its owner to decide on."""
    document = without_strays(document)
    known = tuple(_described(each) for each in document.findings)
    return document.model_copy(update={"findings": _once((*known, *addressing_findings(document)))})


def _described(finding: Finding) -> Finding:
    """`finding`, whose message says if the text that was left out seems to address a model."""
    if finding.severity == "quarantine" or not addresses_model(finding.excerpt):
        return finding
    return finding.model_copy(update={"message": f"{finding.message} {_ADDRESSING}"})


def _once(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """`findings` with those of equal id (and so equal text) merged into one with all their spans."""
    by_id: dict[str, Finding] = {}
    for each in findings:
        if (before := by_id.get(each.id)) is not None:
            each = before.model_copy(update={"spans": (*before.spans, *each.spans)})
        by_id[each.id] = each
    return tuple(by_id.values())
