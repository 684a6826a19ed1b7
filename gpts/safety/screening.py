"""Looks through a document for what a reader cannot see and what is meant for a model rather than a reader."""

from typing import Final

from gpts.knowledge.documents import Document, Finding
from gpts.safety.addressing import speaking_to_models, speaks_to_a_model
from gpts.safety.hidden_characters import without_strays
from gpts.safety.stuffing import stuffed_repeats

_RAISED: Final = "It addresses a model. It isn't part of the text and stays out, whatever you decide."


def screened(document: Document) -> Document:
    """`document` without stray invisible characters, and with findings for all that its owner should decide on."""
    document = without_strays(document)
    known = tuple(_raised(each) for each in document.findings)
    document = document.model_copy(update={"findings": known})
    found = (*speaking_to_models(document), *stuffed_repeats(document))
    return document.model_copy(update={"findings": _once((*known, *found))})


def _raised(finding: Finding) -> Finding:
    """A note becomes a matter for the owner if what was left out speaks to a model."""
    if finding.severity == "quarantine" or not speaks_to_a_model(finding.excerpt):
        return finding
    return finding.model_copy(update={"severity": "quarantine", "message": f"{finding.message} {_RAISED}"})


def _once(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """`findings` with those of the same name, which have the same text, as one with the places of all."""
    by_id: dict[str, Finding] = {}
    for each in findings:
        if (before := by_id.get(each.id)) is not None:
            each = before.model_copy(update={"spans": (*before.spans, *each.spans)})
        by_id[each.id] = each
    return tuple(by_id.values())
