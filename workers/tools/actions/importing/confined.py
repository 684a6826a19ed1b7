"""Reads the documents of others in a child process with limits on time and memory (workers/isolation).

What they describe can take hours to walk, or multiply to gigabytes. A worker takes the result only, which is small.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from workers.isolation.errors import FileError
from workers.isolation.parent import ParserLimits, run_on_bytes
from workers.tools.actions.importing import ImportRefused, import_document
from workers.tools.actions.importing.schemas import Notes, Schemas

# The largest real documents of 2 MB are read in 5 s (measured 2026-11-24). The result has to fit an RPC's payload.
LIMITS: Final = ParserLimits(20, 20, page_s=0, max_s=20, memory_bytes=1_000_000_000, answer_bytes=3_000_000)
# A listing that takes its time is waited for as well, within the caller's minute.
OF_TOOLS: Final = replace(LIMITS, wall_s=10, cpu_s=10, max_s=10)
TOO_MUCH: Final = "The document takes too long to read, or describes too much. Remove unused parts."
TOO_LONG: Final = "The server describes its tools at too great length."
_DOCUMENT: Final = "workers.tools.actions.importing.confined:document_in_child"
_SCHEMAS: Final = "workers.tools.actions.importing.confined:schemas_in_child"


def read_confined(text: str, enabled: Sequence[str] | None, server: str, document_url: str) -> dict[str, Any]:
    """What `import_document` returns, as JSON values. Raises ImportRefused."""
    asked = {"text": text, "enabled": enabled, "server": server, "document_url": document_url}
    try:
        answer: dict[str, Any] = json.loads(run_on_bytes(_DOCUMENT, json.dumps(asked).encode(), limits=LIMITS))
    except FileError as error:
        raise ImportRefused(TOO_MUCH) from error
    if refused := answer.get("refused"):
        raise ImportRefused(refused)
    return answer


def document_in_child(data: bytes) -> bytes:
    """The operations of a document as JSON; or the reason why not, under `refused`."""
    try:
        return import_document(**json.loads(data)).model_dump_json().encode()
    except ImportRefused as error:
        return json.dumps({"refused": str(error)}).encode()


def inline_confined(schemas: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each of the schemas without references, and limited in size. Raises ImportRefused."""
    try:
        inlined: list[dict[str, Any]] = json.loads(
            run_on_bytes(_SCHEMAS, json.dumps(list(schemas)).encode(), limits=OF_TOOLS)
        )
    except FileError as error:
        raise ImportRefused(TOO_LONG) from error
    return inlined


def schemas_in_child(data: bytes) -> bytes:
    """The schemas in a list, each a document of its own, as JSON."""
    return json.dumps([Schemas(each).inline(each, Notes()) for each in json.loads(data)]).encode()
