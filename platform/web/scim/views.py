"""The addresses below /scim/v2. Every one takes a token of a directory, and no session, API key or other token."""

import json
from collections.abc import Callable
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from pydantic import ValidationError
from scim2_models import (
    Context,
    Error,
    InvalidSyntaxException,
    ListResponse,
    NotFoundException,
    NotImplementedException,
    PatchOp,
    ResourceType,
    ResponseParameters,
    Schema,
    SCIMException,
    SearchRequest,
)

from web.accounts.directory_tokens import token_of
from web.api.errors import SCIM_JSON, Problem, problem_of, respond
from web.scim import groups, lists, people, resources, values
from web.scim.resources import PROVIDER, SentPerson

UNKNOWN: Final = (
    "A valid SCIM token is required: send “Authorization: Bearer ghscim_…”. An admin of the site makes one."
)
NOTHING_HERE: Final = "There is nothing at this address."
Body = dict[str, Any]
# The status, and the body: None for none.
Answer = tuple[int, Body | None]
Handler = Callable[..., Answer]
_USERS: Final = {
    "id": lists.by_key,
    "username": lambda sent: Q(email=sent.lower()),
    "emails.value": lambda sent: Q(email=sent.lower()),
    "externalid": lambda sent: Q(directory_entry__external_id=sent),
}
_GROUPS: Final = {
    "id": lists.by_key,
    "displayname": lambda sent: Q(name__iexact=sent),
    "externalid": lambda sent: Q(directory_entry__external_id=sent),
    "members": lambda sent: lists.by_key(sent, "user"),
    "members.value": lambda sent: lists.by_key(sent, "user"),
}


class Call:
    """A request of a directory, by the id of its token."""

    def __init__(self, request: HttpRequest, token: int) -> None:
        self._request, self.token = request, token

    def body(self) -> Any:
        """The JSON that was sent. Raises InvalidSyntaxException."""
        try:
            return json.loads(self._request.body)
        except (ValueError, RecursionError):
            raise InvalidSyntaxException(detail="The body must be JSON.") from None

    def shape(self, model: Any) -> ResponseParameters[Any]:
        """Which attributes the response is to have."""
        query = {name: self._request.GET.get(name) for name in ("attributes", "excludedAttributes")}
        return ResponseParameters[model].model_validate({name: value for name, value in query.items() if value})

    def search(self, model: Any) -> SearchRequest[Any]:
        """Which rows are asked for."""
        query = {name: value for name, value in self._request.GET.items() if value}
        return SearchRequest[model].model_validate(query)


def endpoint(**handlers: Handler) -> Callable[..., HttpResponse]:
    """A view that answers these methods, each in one transaction."""

    @csrf_exempt
    @never_cache
    def view(request: HttpRequest, **place: str) -> HttpResponse:
        token = token_of(request)
        if token is None:
            return respond(Problem(401, UNKNOWN), request.path)
        method = "GET" if request.method == "HEAD" else request.method or ""
        handler = handlers.get(method)
        if handler is None:
            refused = respond(Problem(405, f"{method} isn’t possible here."), request.path)
            refused.headers["Allow"] = ", ".join(handlers)
            return refused
        try:
            with transaction.atomic(), PROVIDER:
                status, body = handler(Call(request, token), **place)
        except Exception as error:  # noqa: BLE001 - whatever it is, in the format of SCIM; `problem_of` logs it
            return respond(_problem(error), request.path)
        if body is None:
            return HttpResponse(status=status)
        response = JsonResponse(body, status=status, content_type=SCIM_JSON)
        if where := body.get("meta", {}).get("location"):
            response.headers["Location" if status == 201 else "Content-Location"] = where
        return response

    return view


def _problem(error: Exception) -> Problem:
    if isinstance(error, ValidationError):
        first = Error.from_validation_errors(error)[0]
        return Problem(first.status or 400, first.detail or "", code=first.scim_type)
    if isinstance(error, SCIMException):
        return Problem(error.status, error.detail, code=error.scim_type or None)
    if isinstance(error, IntegrityError):  # another request was faster
        return Problem(409, people.TAKEN, code="uniqueness")
    return problem_of(error)


def _found(rows: Any, key: str) -> Any:
    row = rows.filter(pk=values.row_key(key)).first()
    if row is None:
        raise NotFoundException(detail="There is nothing with this id.")
    return row


def _one(call: Call, resource: Any, context: Context = Context.RESOURCE_QUERY_RESPONSE) -> Body:
    dumped: Body = resource.model_dump(scim_ctx=context, response_parameters=call.shape(type(resource)))
    return dumped


def _patched(call: Call, resource: Any) -> Any:
    model: Any = type(resource)
    patch = PatchOp[model].model_validate(call.body(), scim_ctx=Context.RESOURCE_PATCH_REQUEST)
    patch.patch(resource)
    return resource


def _people() -> Any:
    return people.visible().select_related("directory_entry").prefetch_related("groups")


def list_people(call: Call) -> Answer:
    """A page of people."""
    return 200, lists.listed(call.search(resources.User), _people(), _USERS, people.shown, resources.User)


def create_person(call: Call) -> Answer:
    """A new person."""
    user = people.create(SentPerson.model_validate(call.body()), call.token)
    return 201, _one(call, people.shown(user), Context.RESOURCE_CREATION_RESPONSE)


def read_person(call: Call, key: str) -> Answer:
    """A person."""
    return 200, _one(call, people.shown(_found(_people(), key)))


def replace_person(call: Call, key: str) -> Answer:
    """A person, as the body describes them."""
    user = people.change(_found(_people(), key), SentPerson.model_validate(call.body()), call.token)
    return 200, _one(call, people.shown(user), Context.RESOURCE_REPLACEMENT_RESPONSE)


def patch_person(call: Call, key: str) -> Answer:
    """A person, with the changes of the body."""
    user = _found(_people(), key)
    user = people.change(user, _patched(call, people.as_sent(user)), call.token, is_part=True)
    return 200, _one(call, people.shown(user), Context.RESOURCE_PATCH_RESPONSE)


def delete_person(call: Call, key: str) -> Answer:
    """Nothing: the person is suspended."""
    people.delete(_found(_people(), key), call.token)
    return 204, None


def _groups() -> Any:
    return groups.with_members(groups.visible())


def list_groups(call: Call) -> Answer:
    """A page of groups."""
    return 200, lists.listed(call.search(resources.Group), _groups(), _GROUPS, groups.shown, resources.Group)


def create_group(call: Call) -> Answer:
    """A new group."""
    group = groups.create(resources.Group.model_validate(call.body()), call.token)
    return 201, _one(call, groups.shown(group), Context.RESOURCE_CREATION_RESPONSE)


def read_group(call: Call, key: str) -> Answer:
    """A group."""
    return 200, _one(call, groups.shown(_found(_groups(), key)))


def replace_group(call: Call, key: str) -> Answer:
    """A group, as the body describes it."""
    group = groups.change(_found(_groups(), key), resources.Group.model_validate(call.body()), call.token)
    return 200, _one(call, groups.shown(group), Context.RESOURCE_REPLACEMENT_RESPONSE)


def patch_group(call: Call, key: str) -> Answer:
    """A group, with the changes of the body."""
    group = _found(_groups(), key)
    group = groups.change(group, _patched(call, groups.shown(group)), call.token)
    return 200, _one(call, groups.shown(group), Context.RESOURCE_PATCH_RESPONSE)


def delete_group(call: Call, key: str) -> Answer:
    """Nothing: the group is no more."""
    groups.delete(_found(_groups(), key), call.token)
    return 204, None


def config(call: Call) -> Answer:
    """What this service can do."""
    return 200, _dump(resources.CONFIG)


def resource_types(call: Call) -> Answer:
    """The kinds of resources."""
    return 200, _all(ResourceType, PROVIDER.resource_types)


def resource_type(call: Call, key: str) -> Answer:
    """A kind of resource."""
    return 200, _dump(_named(PROVIDER.resource_types, key))


def schemas(call: Call) -> Answer:
    """The attributes of each kind of resource."""
    return 200, _all(Schema, PROVIDER.schemas)


def schema(call: Call, key: str) -> Answer:
    """The attributes of a kind of resource."""
    return 200, _dump(_named(PROVIDER.schemas, key))


def nowhere(call: Call, rest: str = "") -> Answer:
    """Raises NotFoundException, or NotImplementedException for what SCIM knows and this service has not."""
    if rest in ("Bulk", "Me", ".search"):
        raise NotImplementedException(detail="This service doesn’t have this.")
    raise NotFoundException(detail=NOTHING_HERE)


def _named(items: Any, key: str) -> Any:
    for item in items:
        if item.id == key:
            return item
    raise NotFoundException(detail=NOTHING_HERE)


def _dump(item: Any) -> Body:
    dumped: Body = item.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    return dumped


def _all(model: Any, items: Any) -> Body:
    n = len(items)
    return _dump(ListResponse[model](total_results=n, start_index=1, items_per_page=n, resources=list(items)))
