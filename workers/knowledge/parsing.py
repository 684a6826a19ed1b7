"""Parses a file in a child process (workers/isolation) and detects its language."""

from pathlib import Path
from threading import Thread
from typing import Final

from pydantic import BaseModel, ValidationError

from gpts.knowledge.documents import Document
from workers.isolation.errors import BrokenFile
from workers.isolation.parent import LIMITS, OnProgress, ParserLimits, run_isolated
from workers.knowledge.languages import identifier, language_of

_PARSE: Final = "workers.knowledge.parsing:parse_in_child"


class Parsed(BaseModel):
    """A parsed file, and its MIME type by its content."""

    type: str
    document: Document


def parse_file(
    source: Path, on_progress: OnProgress = lambda n_read, n_pages: None, limits: ParserLimits = LIMITS
) -> Parsed:
    """The screened document in the file `source`, parsed in a child process. Raises a FileError."""
    Thread(target=identifier, daemon=True).start()  # loads while the child reads
    answer = run_isolated(_PARSE, source, limits=limits, on_progress=on_progress)
    try:
        parsed = Parsed.model_validate_json(answer)
    except ValidationError as error:
        raise BrokenFile from error
    # Detected here, because loading the model in each child would take 0.4 s (measured 2026-11).
    language = parsed.document.language or language_of(parsed.document)
    return parsed.model_copy(update={"document": parsed.document.model_copy(update={"language": language})})


def parse_in_child(data: bytes) -> bytes:
    """A Parsed of `data` as JSON."""
    from workers.knowledge.parsers import parse
    from workers.knowledge.sniffing import sniff

    kind = sniff(data)
    return Parsed(type=kind, document=parse(data, kind)).model_dump_json().encode()
