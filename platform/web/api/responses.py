"""`/v1/responses`: OpenAI's Responses, over the same runs as every other way in."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import Annotated, Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from gpts.runs.steps import Error
from web.accounts.models import User
from web.api import program_runs, response_request, response_store
from web.api.auth import caller
from web.api.choices import begun, name_ignored
from web.api.cursors import Cursor, Deleted, ItemList, listed
from web.api.errors import ERRORS, ApiError, OpenAiErrorBody, problem_of
from web.api.models import Response
from web.api.program_runs import outcome
from web.api.repeats import RepeatableRequest
from web.api.response_approvals import go_on
from web.api.response_events import ResponseEvents, error_event, followed, sent
from web.api.response_items import SEARCH_RESULTS, names_searches, output_of
from web.api.response_object import ResponseObject, response_object
from web.api.response_request import Include, ResponseRequest, renamed
from web.api.response_store import access_response, forget, input_of, keep, settled
from web.runs import log, services
from web.runs.connections import close_connection, in_database, sse_response, take_stream
from web.runs.model_facts import ModelFacts, model_facts
from web.runs.models import Run
from web.slots import Slot

router = Router(tags=["Responses"])
STREAM: Final[dict[str, Any]] = {"responses": {200: {"content": {"text/event-stream": {"schema": {}}}}}}


class ResponseQuery(Schema):
    """How to read a response."""

    stream: bool = False
    starting_after: int | None = Field(None, ge=0, le=1_000_000_000, description="Only events after this one.")


Included = Annotated[list[Include] | None, Query(alias="include[]")]


@router.post(
    "/responses",
    response={200: ResponseObject, **ERRORS, **dict.fromkeys((413, 500), OpenAiErrorBody)},
    description=response_request.DESCRIPTION,
    summary="Create a response",
    openapi_extra=STREAM,
)
async def create_response(request: HttpRequest, response: HttpResponse, body: ResponseRequest) -> Any:
    """The response, whole, as a stream, or in the background. A caller without a key who leaves stops the run."""
    body.check()
    user = caller(request)
    asked = RepeatableRequest.of(request, "responses", body.model_dump_json(exclude={"stream", "stream_options"}))
    slot = await take_stream(user.pk) if body.stream else None
    if body.answers_requests:
        return await _answer(partial(go_on, request, body), body, response, asked, slot)
    turn = await in_database(response_store.read_turn, user, body)
    files = await program_runs.files_of(user, turn.message)
    begin = partial(response_store.begin, user, body, turn, files)
    if body.background:
        run = await in_database(asked.run, begin)
        return await _answer(partial(_first, user, run), body, response, asked, slot)
    async with begun(asked, begin) as [choice]:
        return await _answer(partial(_first, user, choice.run), body, response, asked, slot)


def _first(user: User, run: Run) -> Response:
    return Response.objects.visible_to(user).filter(run=run).order_by("created")[0]


def _with_facts(find: Callable[[], Response]) -> tuple[Response, ModelFacts]:
    made = find()
    return made, model_facts(made.run.version.spec().model.engine)


async def _answer(
    find: Callable[[], Response],
    body: ResponseRequest,
    response: HttpResponse,
    asked: RepeatableRequest,
    slot: Slot | None,
) -> Any:
    """What is sent for the response that `find` finds: all of it, its events, or what there is in the background."""
    made, facts = await in_database(_with_facts, find)
    await close_connection()
    if slot is not None:
        whole: Any = sse_response(_events(made, None if body.background else asked), slot)
    else:
        whole = await in_database(current, made) if body.background else await _whole(made, asked)
    name_ignored(response if slot is None else whole, body.without_effect(facts.ignores))
    return whole


async def _whole(response: Response, asked: RepeatableRequest) -> ResponseObject:
    """The response once it is over. Raises ApiError if its run failed."""
    try:
        async for _ in followed(response):
            pass
    except asyncio.CancelledError:  # the caller disconnected
        await asked.was_left(response.run)
        raise
    return await in_database(_delivered, response, asked)


def _delivered(response: Response, asked: RepeatableRequest) -> ResponseObject:
    whole = current(response, fails=True)
    forget(response, asked)
    return whole


def current(response: Response, *, fails: bool = False) -> ResponseObject:
    """The response as far as it has come. With `fails`, raises ApiError if its run failed."""
    steps = log.read(settled(response).run_id)
    if fails and isinstance(steps[-1], Error):
        with renamed():
            outcome(steps, model_facts(response.run.version.spec().model.engine).context_tokens)
    output = output_of(response, steps)
    keep(response, steps, output)
    return response_object(response, steps, output)


async def _events(response: Response, asked: RepeatableRequest | None = None, after: int = -1) -> AsyncGenerator[str]:
    """The events of the response after number `after`. With `asked`, its run is stopped if the caller leaves."""
    made = ResponseEvents(response, partial(forget, response, asked) if asked else lambda: None)
    try:
        async for event in sent(made, after):
            yield event
    except Exception as error:  # noqa: BLE001 - the status is sent already, so the error goes into the stream
        if asked:
            await in_database(services.cancel_run, response.run)
        made.is_over = True
        yield error_event(problem_of(error), made.number + 1)
    finally:
        if asked and not made.is_over:
            await asked.was_left(response.run)


@router.post("/responses/compact", include_in_schema=False)
def compact_responses(request: HttpRequest) -> None:
    """Refuse by name what would otherwise be a response with this id."""
    text = "Conversations can’t be compacted here. Leave out their oldest items instead."
    raise ApiError(404, text, code="unsupported_endpoint")


@router.get("/responses/{response_id}", response={200: ResponseObject, **ERRORS}, openapi_extra=STREAM)
async def get_response(
    request: HttpRequest, response_id: str, reading: Query[ResponseQuery], include: Included = None
) -> Any:
    """The response as far as it has come, or its events: also those that you missed, after `starting_after`."""
    slot = await take_stream(caller(request).pk) if reading.stream else None
    response = await in_database(access_response, caller(request), response_id)
    # The searches of a response are items of it or not from the beginning: others would be numbered otherwise.
    more = [each for each in include or () if each != SEARCH_RESULTS or names_searches(response.request)]
    response.request["include"] = [*response.request.get("include", ()), *more]
    await close_connection()
    if slot is None:
        return await in_database(current, response)
    after = -1 if reading.starting_after is None else reading.starting_after
    return sse_response(_events(response, after=after), slot)


@router.post("/responses/{response_id}/cancel", response={200: ResponseObject, **ERRORS})
def cancel_response(request: HttpRequest, response_id: str) -> ResponseObject:
    """Stop the run of a response. What it has said is kept; one that is over stays as it is."""
    response = access_response(caller(request), response_id)
    if response.until is None and services.cancel_run(response.run):
        response.run.refresh_from_db(fields=["status", "ended"])
    return current(response)


@router.delete("/responses/{response_id}", response={200: Deleted, **ERRORS})
def delete_response(request: HttpRequest, response_id: str) -> Deleted:
    """Delete a response and stop its run. What responses after it were told stays with them until they go."""
    response = access_response(caller(request), response_id)
    response_store.delete(response)
    return Deleted(id=response_id, object="response")


@router.get("/responses/{response_id}/input_items", response={200: ItemList, **ERRORS})
def list_input_items(request: HttpRequest, response_id: str, page: Query[Cursor]) -> ItemList:
    """The items of the request, without those of earlier responses; the newest first unless `order` is `asc`."""
    return listed(input_of(access_response(caller(request), response_id)), page)
