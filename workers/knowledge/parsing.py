"""Parses a file in a process of its own (see apart.py) and takes what it gives back."""

from pathlib import Path
from typing import Final

from pydantic import BaseModel, ValidationError

from gpts.knowledge.documents import Document
from workers.knowledge.apart import LIMITS, OnProgress, ParserLimits, run_apart
from workers.knowledge.errors import BrokenFile
from workers.knowledge.languages import language_of

_PARSE: Final = "workers.knowledge.parsing:parse_here"


class Parsed(BaseModel):
    """What a file became, and its MIME type by its content."""

    type: str
    document: Document


def parse_apart(
    source: Path, on_progress: OnProgress = lambda n_read, n_pages: None, limits: ParserLimits = LIMITS
) -> Parsed:
    """What the file `source` becomes, screened, parsed in a child process. Raises a KnowledgeError."""
    answer = run_apart(_PARSE, source, limits=limits, on_progress=on_progress)
    try:
        parsed = Parsed.model_validate_json(answer)
    except ValidationError as error:
        raise BrokenFile from error
    # Told here and not in the child, for which loading the model each time would take 0.4 s (measured 2026-11).
    language = parsed.document.language or language_of(parsed.document)
    return parsed.model_copy(update={"document": parsed.document.model_copy(update={"language": language})})


def parse_here(data: bytes) -> bytes:
    """What `data` becomes, as JSON; runs in the child."""
    from workers.knowledge.parsers import parse
    from workers.knowledge.sniffing import sniff

    kind = sniff(data)
    return Parsed(type=kind, document=parse(data, kind)).model_dump_json().encode()
