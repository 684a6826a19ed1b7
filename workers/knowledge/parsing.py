"""Parses a file in a process of its own (see apart.py) and takes the document that it gives back."""

from pathlib import Path
from typing import Final

from pydantic import ValidationError

from gpts.knowledge.documents import Document
from workers.knowledge.apart import LIMITS, Limits, OnProgress, run_apart
from workers.knowledge.errors import BrokenFile

_PARSE: Final = "workers.knowledge.parsing:parse_here"


def parse_apart(
    source: Path, on_progress: OnProgress = lambda n_read, n_pages: None, limits: Limits = LIMITS
) -> Document:
    """The document in the file `source`, screened, parsed in a child process. Raises a KnowledgeError."""
    answer = run_apart(_PARSE, source, limits=limits, on_progress=on_progress)
    try:
        return Document.model_validate_json(answer)
    except ValidationError as error:
        raise BrokenFile from error


def parse_here(data: bytes) -> bytes:
    """The document in `data` as JSON; runs in the child."""
    from workers.knowledge.parsers import parse

    return parse(data).model_dump_json().encode()
