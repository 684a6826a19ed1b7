"""The vector stores that a request to `/v1/responses` names: their files are attached to its message.

So the run may read the GPT's files and the caller's own, under the rules for attached files, and nothing else.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from pydantic import TypeAdapter, ValidationError

from web.api.attribute_filters import Filters
from web.api.errors import ApiError
from web.api.response_tools import HostedTool, ResponseTool
from web.api.store_rows import access_store, ready
from web.builder.models_files import FileToRead
from web.runs.models import Conversation, ConversationFile

_FILTERS: TypeAdapter[Filters] = TypeAdapter(Filters)
_READ = ("size", "segment", "n_tokens", "n_pages", "n_chunks", "unit", "language", "notices")


def files_of_stores(thread: Conversation, tools: Sequence[ResponseTool] | None) -> list[UUID]:
    """The ids, in `thread`, of copies of the files in the vector stores that `tools` name. Raises ApiError.

    The store of the thread's own GPT is left out: its live version is searched in any case.
    """
    found: dict[str, Any] = {}
    for place, tool in enumerate(tools or ()):
        if isinstance(tool, HostedTool) and tool.type == "file_search":
            found |= {file.sha256: file for file in _named(thread, tool, f"tools.{place}")}
    if len(found) > settings.MAX_ATTACHMENTS:
        text = (
            f"The vector stores have {len(found)} files that fit; a response can search {settings.MAX_ATTACHMENTS}."
        )
        raise ApiError(400, f"{text} Choose some with “filters”.", "tools", "too_many")
    return [_copied(thread, file).id for file in found.values()]


def _named(thread: Conversation, tool: HostedTool, place: str) -> list[Any]:
    try:
        given = (tool.model_extra or {}).get("filters")
        filters = _FILTERS.validate_python(given) if given else None
    except ValidationError:
        raise ApiError(400, "These filters can’t be read.", f"{place}.filters", "invalid_value") from None
    names = [name for name in tool.vector_store_ids or () if name != f"vs_{thread.gpt_id.hex}"]
    stores = [access_store(thread.owner, name, f"{place}.vector_store_ids") for name in names]
    return [file for store in stores for file in ready(store, filters)]


def _copied(thread: Conversation, file: Any) -> ConversationFile:
    facts = {field: getattr(file, field) for field in _READ}
    facts |= {"owner_id": thread.owner_id, "mime": "application/octet-stream", "status": FileToRead.Status.READY}
    same = {"conversation": thread, "run": None, "sha256": file.sha256, "name": file.name[:120]}
    return ConversationFile.objects.get_or_create(**same, defaults={**facts, "untrusted": True})[0]
