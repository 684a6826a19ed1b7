"""Resources: files of GPTs whose creators allow downloads, cited passages, and files of conversations."""

import base64
import mimetypes
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from uuid import UUID

from django.http import Http404
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    BlobResourceContents,
    ListResourcesResult,
    ListResourceTemplatesResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    TextResourceContents,
)

from web.builder.access import may_have_files
from web.builder.models import Gpt
from web.builder.models_files import KnowledgeFile
from web.mcp.addresses import FILE, KNOWLEDGE, PASSAGE, TEMPLATES, knowledge_uri
from web.mcp.callers import Caller, Context, caller_of
from web.mcp.offers import access_offered, page_of, spec_of
from web.runs.citations import access_citation
from web.runs.connections import in_database
from web.runs.files import access_file

# A resource is one JSON message, which both sides hold in memory.
MAX_BYTES: Final = 10_000_000
OCTETS: Final = "application/octet-stream"
NOT_FOUND: Final = "Resource not found, or you can’t read it."
TOO_LARGE: Final = f"The file is larger than {MAX_BYTES // 1_000_000} MB. Open it on the site."
Contents = TextResourceContents | BlobResourceContents


async def list_templates(context: Context, params: PaginatedRequestParams | None) -> ListResourceTemplatesResult:
    """The forms of all addresses."""
    found = [
        ResourceTemplate(name=name, uri_template=uri, description=text) for name, (uri, text) in TEMPLATES.items()
    ]
    return ListResourceTemplatesResult(resource_templates=found)


async def list_resources(context: Context, params: PaginatedRequestParams | None) -> ListResourcesResult:
    """The files that the caller may download, of a page of the GPTs."""
    resources, following = await in_database(_page, caller_of(context), params)
    return ListResourcesResult(resources=resources, next_cursor=following)


def _page(caller: Caller, params: PaginatedRequestParams | None) -> tuple[list[Resource], str | None]:
    gpts, following = page_of(caller, params)
    return [each for gpt in gpts if may_have_files(caller.user, gpt) for each in _files_of(gpt)], following


def _files_of(gpt: Gpt) -> Iterator[Resource]:
    spec = spec_of(gpt)
    sizes = dict(KnowledgeFile.objects.filter(gpt=gpt).values_list("id", "size"))
    for ref in spec.knowledge:
        yield Resource(
            uri=knowledge_uri(gpt.slug, ref.file_id),
            name=ref.name,
            description=f"A file of {spec.name}",
            mime_type=_mime(ref.name),
            size=sizes.get(UUID(ref.file_id)),
        )


async def read_resource(context: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
    """The content of a resource. Raises MCPError unless the caller may see it."""
    try:
        contents = await in_database(_read, caller_of(context), params.uri)
    except Http404:
        raise MCPError(INVALID_PARAMS, NOT_FOUND, {"uri": params.uri}) from None
    return ReadResourceResult(contents=[contents])


def _read(caller: Caller, uri: str) -> Contents:
    if match := PASSAGE.fullmatch(uri):
        cited = access_citation(caller.user, UUID(match[1]), int(match[2]))
        text = cited.passage.text if cited.passage else cited.citation.quote
        return TextResourceContents(uri=uri, mime_type="text/plain", text=text)
    if match := FILE.fullmatch(uri):
        file = access_file(caller.user, UUID(match[1]))
        return _content(uri, file.path, file.name, file.mime)
    if match := KNOWLEDGE.fullmatch(uri):
        gpt = access_offered(caller, match[1])
        names = {ref.file_id: ref.name for ref in spec_of(gpt).knowledge}
        if match[2] in names and may_have_files(caller.user, gpt):
            path = KnowledgeFile.objects.get(id=match[2]).path
            return _content(uri, path, names[match[2]], _mime(names[match[2]]))
    raise Http404


def _content(uri: str, path: Path, name: str, mime: str) -> Contents:
    """The file, as text if its name says so and it is UTF-8. Raises Http404, and MCPError if it is too large."""
    if not path.is_file():
        raise Http404
    if path.stat().st_size > MAX_BYTES:
        raise MCPError(INVALID_PARAMS, TOO_LARGE, {"uri": uri})
    data = path.read_bytes()
    if _mime(name).startswith("text/"):
        try:
            return TextResourceContents(uri=uri, mime_type=_mime(name), text=data.decode())
        except UnicodeDecodeError:
            mime = OCTETS
    return BlobResourceContents(uri=uri, mime_type=mime, blob=base64.b64encode(data).decode())


def _mime(name: str) -> str:
    return mimetypes.guess_type(name)[0] or OCTETS
