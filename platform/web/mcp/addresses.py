"""The addresses of resources: passages that answers cite, files of GPTs, and files of conversations."""

import re
from typing import Final
from uuid import UUID

_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
PASSAGE: Final = re.compile(rf"guildhall://runs/({_UUID})/sources/(\d{{1,6}})")
KNOWLEDGE: Final = re.compile(rf"guildhall://gpts/([\w-]{{1,70}})/files/({_UUID})", re.ASCII)
FILE: Final = re.compile(rf"guildhall://files/({_UUID})")
TEMPLATES: Final = {
    "passage": ("guildhall://runs/{run}/sources/{number}", "A passage that an answer cites"),
    "knowledge": ("guildhall://gpts/{gpt}/files/{file}", "A file of a GPT whose creator allows downloads"),
    "file": ("guildhall://files/{file}", "A file that a GPT made or that you attached"),
}


def passage_uri(run_id: UUID, number: int) -> str:
    """The address of source `number` (from 0) of the run's answer."""
    return f"guildhall://runs/{run_id}/sources/{number}"


def knowledge_uri(slug: str, file_id: str) -> str:
    """The address of a knowledge file of a GPT."""
    return f"guildhall://gpts/{slug}/files/{file_id}"


def file_uri(file_id: str) -> str:
    """The address of a file in a conversation."""
    return f"guildhall://files/{file_id}"
