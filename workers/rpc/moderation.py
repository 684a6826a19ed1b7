"""Checks texts of programs with the filter that checks files."""

from typing import Any

from gpts.knowledge.documents import Block, Document
from gpts.safety.addressing import addressing_findings
from gpts.safety.hidden_characters import without_strays


def check(text: str) -> dict[str, Any]:
    """`found`: where the text addresses a model, or hides text in invisible characters."""
    document = without_strays(Document(title="", blocks=(Block(text=text),)))
    found = (*document.findings, *addressing_findings(document))
    return {"found": [each.model_dump(include={"kind", "message", "excerpt"}) for each in found]}
