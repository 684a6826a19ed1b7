"""`/api/runs/{run_id}/citations/{number}`: a citation of an answer, with its place in the cited file."""

from typing import Any, Final
from uuid import UUID

from django.http import FileResponse, HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Router

from web.api.auth import caller
from web.api.errors import DENIED, ProblemDetails
from web.api.shapes_runs import CitedPassage
from web.runs.citations import Cited, access_citation, view
from web.runs.views_files import cited_file_response, picture_response

router = Router(tags=["Runs and conversations"])
_BYTES: Final = {"schema": {"type": "string", "format": "binary"}}


@router.get("/runs/{uuid:run_id}/citations/{int:number}", response={200: CitedPassage, **DENIED})
def read_citation(request: HttpRequest, run_id: UUID, number: int) -> dict[str, Any]:
    """The source of citation `number` (from 0) of your run's answer: passage, section and page pictures.

    If the answer has no citations, the one of entry `number` of `closest`.
    """
    cited = access_citation(caller(request), run_id, number)
    seen = view(cited)
    passage = cited.passage
    return {
        "citation": cited.citation,
        "passage": passage.text if passage else cited.citation.quote,
        "passage_start": passage.start if passage else cited.citation.start,
        "section": seen.section,
        "pages": [{**page.model_dump(), "picture": _address(cited, "picture", page.page)} for page in seen.pages],
        "n_pages": cited.n_pages,
        "trouble": seen.trouble or None,
        "download": _address(cited, "download") if cited.has_all and cited.file else None,
    }


def _address(cited: Cited, what: str, *page: int) -> str:
    names = {"picture": "api:read_citation_picture", "download": "api:download_cited_file"}
    return reverse(names[what], args=[cited.run.id, cited.number, *page])


@router.get(
    "/runs/{uuid:run_id}/citations/{int:number}/pages/{int:page}",
    response={200: None, **DENIED, 503: ProblemDetails},
    openapi_extra={"responses": {200: {"content": {"image/webp": _BYTES}}}},
)
def read_citation_picture(request: HttpRequest, run_id: UUID, number: int, page: int) -> HttpResponse | FileResponse:
    """The picture of a quoted page, or of any page if the GPT's creator allows file downloads."""
    return picture_response(request, access_citation(caller(request), run_id, number), page)


@router.get(
    "/runs/{uuid:run_id}/citations/{int:number}/download",
    response={200: None, **DENIED},
    openapi_extra={"responses": {200: {"content": {"application/octet-stream": _BYTES}}}},
)
def download_cited_file(request: HttpRequest, run_id: UUID, number: int) -> FileResponse:
    """The whole cited file, if the GPT's creator allows file downloads."""
    return cited_file_response(access_citation(caller(request), run_id, number))
