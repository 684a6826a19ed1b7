"""`/api/gpts/{slug}/actions` and `…/mcp-servers` of drafts; `/api/sign-ins`: the caller's sign-ins."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Body, Router, Schema, Status
from ninja.pagination import paginate
from pydantic import Field

from gpts.spec.actions import MAX_OPERATIONS, NAME_CHARS, AuthHint, Listed, McpTool
from gpts.values import ShortText, Text
from web import rpc
from web.accounts.models import User
from web.api.auth import caller
from web.api.errors import DENIED, INVALID, LISTED, OWN_LISTED, ProblemDetails
from web.api.paging import Pages
from web.api.reading import RequestBody
from web.builder import actions, auth, sign_ins
from web.builder.access import access_draft
from web.builder.actions import DocumentSource, Row
from web.builder.auth import AuthKind, AuthSetting
from web.builder.exports import bare_url
from web.builder.models_actions import Action, McpServerRow, SignIn
from web.builder.reviews import TextChange, changes_of

router = Router(tags=["Actions"])
UNAVAILABLE = {**INVALID, 503: ProblemDetails}


class ActionPreview(Schema):
    """A parsed document. `enabled` lists the operations that would be enabled."""

    title: str
    base_url: str = Field(description="The server URL; if empty, choose a server.")
    servers: list[str]
    listed: list[Listed]
    enabled: list[str]
    warnings: list[str]
    auth: AuthHint = Field(description="Authentication as described in the document.")


@dataclass(frozen=True, slots=True)
class NewAction(DocumentSource):
    """An action to add. The name defaults to the document's title."""

    name: Annotated[Text, Field(max_length=NAME_CHARS)] = ""
    privacy_url: Annotated[ShortText, Field(description="The service's privacy policy; required in the store.")] = ""


class ActionPatch(RequestBody):
    """Changes to an action. A new document, URL, server or list of operations re-reads the document."""

    name: Annotated[Text, Field(min_length=1, max_length=NAME_CHARS)] | None = None
    privacy_url: ShortText | None = None
    document: Annotated[Text, Field(max_length=2_000_000)] | None = None
    url: Annotated[Text, Field(max_length=2_000)] | None = None
    server: ShortText | None = None
    operations: Annotated[tuple[ShortText, ...], Field(max_length=MAX_OPERATIONS)] | None = None

    def source(self) -> DocumentSource | None:
        """The document to read; None if it does not change."""
        given = self.model_dump(include={"document", "url", "server", "operations"}, exclude_none=True)
        return DocumentSource(**given) if given else None


class OutsideShape(Schema):
    """An action, MCP server or remote agent. The secret itself is never returned."""

    id: UUID
    name: str
    host: str
    auth: AuthKind
    header: str = Field(description="The header for the key, for kind “header”.")
    secret_set: bool = Field(description="Whether a key or client secret is stored for this host.")
    oauth: dict[str, str]
    privacy_url: str
    warning: str = Field(description="Why this site refuses to call it, or that calls aren't encrypted; or empty.")
    created: datetime

    @staticmethod
    def resolve_secret_set(row: Any) -> bool:
        return bool(row.secret) and row.secret_host == row.host


def shown_url(row: Any, url: str, context: Any) -> str:
    """`url` of the row for its reader: only the GPT's owner sees a query, which may hold a key."""
    return url if row.gpt.owner_id == caller(context["request"]).pk else bare_url(url)


class ActionShape(OutsideShape):
    """An action of the draft. `listed` are all operations in its document, `enabled` those the GPT can call."""

    document_url: str
    base_url: str
    listed: list[Listed]
    enabled: list[str]
    warnings: list[str]
    keyless: list[str] = Field(description="Those that came since the key was entered, and so are called without it.")
    redirect_uri: str = Field(description="For OAuth: register it with the service.")

    @staticmethod
    def resolve_enabled(row: Any) -> list[str]:
        return [each["name"] for each in row.operations]

    @staticmethod
    def resolve_redirect_uri(row: Any) -> str:
        return sign_ins.redirect_uri(row)

    @staticmethod
    def resolve_document_url(row: Any, context: Any) -> str:
        return shown_url(row, row.document_url, context)


class Trial(RequestBody):
    """A test call."""

    operation: ShortText
    arguments: dict[str, Any] = Field(default_factory=dict, examples=[{}])


class Tried(Schema):
    """The result of the call. `request` is the exact request without its secret; `error` says why it failed."""

    request: str = ""
    status: int | None = None
    content_type: str = ""
    response: str = Field("", description="The first 20,000 characters.")
    n_chars: int = 0
    seconds: float = 0
    error: str = ""


class NewMcpServer(RequestBody):
    """An MCP server to add; its tools are listed immediately."""

    name: Annotated[Text, Field(max_length=NAME_CHARS)] = ""
    url: Annotated[Text, Field(max_length=2_000)] = ""
    command: Annotated[list[ShortText], Field(max_length=40)] = Field(
        default_factory=list, description="A program on this server, if the site allows it."
    )


class McpServerPatch(RequestBody):
    """Changes to an MCP server.

    `trusted`: its descriptions of tools count as yours, and tools that it marks read-only skip confirmation.
    """

    name: Annotated[Text, Field(min_length=1, max_length=NAME_CHARS)] | None = None
    trusted: bool | None = None
    privacy_url: ShortText | None = None


class McpServerShape(OutsideShape):
    """An MCP server of the draft. `trouble` says why its tools could not be listed."""

    url: str
    command: list[str]
    trusted: bool
    tools: list[McpTool]
    changes: list[TextChange] = Field(description="Changes of its tools, not used before you accept them.")
    trouble: str = ""

    @staticmethod
    def resolve_changes(row: McpServerRow) -> list[TextChange]:
        return changes_of(row)

    @staticmethod
    def resolve_url(row: McpServerRow, context: Any) -> str:
        return shown_url(row, row.url, context)


class SignInShape(Schema):
    """A service that you are signed in to, for your runs of one GPT."""

    action: UUID = Field(validation_alias="action_id")
    gpt: str = Field(validation_alias="action.gpt.slug")
    host: str
    created: datetime


def own_service(model: type[Row], request: HttpRequest, slug: str, service_id: UUID) -> Row:
    """An action, MCP server or remote agent in a draft that the caller edits. Raises Http404 for any other."""
    return actions.access_outside(model, access_draft(caller(request), slug), service_id)


def add_shared_routes(to: Router, path: str, name: str, words: str, model: type[Row], shape: type[Schema]) -> None:
    """Add the routes that actions, MCP servers and remote agents have in common: list, remove, authentication."""

    def rows(request: HttpRequest, slug: str) -> QuerySet[Row]:
        return actions.draft_rows(model, access_draft(caller(request), slug))

    def remove(request: HttpRequest, slug: str, service_id: UUID) -> Status[None]:
        actions.remove(own_service(model, request, slug, service_id))
        return Status(204, None)

    def set_auth(request: HttpRequest, slug: str, service_id: UUID, setting: Body[AuthSetting]) -> Row:
        return auth.set_auth(own_service(model, request, slug, service_id), setting, by=caller(request))

    kinds = "" if model is Action else ": an API key or none"
    rows.__name__, rows.__doc__ = f"list_{name}s", f"The {words}s in your draft."
    remove.__name__ = f"remove_{name}"
    remove.__doc__ = f"Remove the {words} from your draft. The published version keeps it until you publish again."
    set_auth.__name__ = f"set_{name}_auth"
    set_auth.__doc__ = f"Set the {words}'s authentication{kinds}. Takes effect immediately, also when published."
    one = f"{path}/{{uuid:service_id}}"
    to.get(path, response={200: list[shape], **LISTED})(  # type: ignore[valid-type]
        paginate(Pages, oldest_first=True)(rows)
    )
    to.delete(one, response={204: None, **DENIED})(remove)
    to.post(f"{one}/auth", response={200: shape, **INVALID})(set_auth)


add_shared_routes(router, "/gpts/{slug}/actions", "action", "action", Action, ActionShape)
add_shared_routes(router, "/gpts/{slug}/mcp-servers", "mcp_server", "MCP server", McpServerRow, McpServerShape)


@router.post("/gpts/{slug}/actions/preview", response={200: ActionPreview, **UNAVAILABLE})
def preview_action(request: HttpRequest, slug: str, source: Body[DocumentSource]) -> dict[str, Any]:
    """Preview a document without adding it."""
    access_draft(caller(request), slug)
    imported = actions.preview_import(caller(request), source)[0]
    warning = Action(base_url=imported.base_url).warning
    return {
        **imported.model_dump(exclude={"operations"}),
        "warnings": [*filter(None, [warning]), *imported.warnings],
        "enabled": [each.name for each in imported.operations],
    }


@router.post("/gpts/{slug}/actions", response={201: ActionShape, **UNAVAILABLE})
def add_action(request: HttpRequest, slug: str, new: Body[NewAction]) -> Status[Action]:
    """Add an action to your draft."""
    gpt = access_draft(caller(request), slug)
    return Status(201, actions.add_action(gpt, new, new.name, new.privacy_url, by=caller(request)))


@router.get("/gpts/{slug}/actions/{uuid:service_id}", response={200: ActionShape, **DENIED})
def read_action(request: HttpRequest, slug: str, service_id: UUID) -> Action:
    """An action of your draft."""
    return own_service(Action, request, slug, service_id)


@router.patch("/gpts/{slug}/actions/{uuid:service_id}", response={200: ActionShape, **UNAVAILABLE})
def update_action(request: HttpRequest, slug: str, service_id: UUID, change: ActionPatch) -> Action:
    """Change an action. The published version keeps the old one until you publish again."""
    action = own_service(Action, request, slug, service_id)
    named = change.model_dump(include={"name", "privacy_url"}, exclude_none=True)
    return actions.update_action(action, change.source(), named, by=caller(request))


@router.post("/gpts/{slug}/actions/{uuid:service_id}/test", response={200: Tried, **UNAVAILABLE})
def test_action(request: HttpRequest, slug: str, service_id: UUID, trial: Trial) -> dict[str, Any]:
    """Call an operation now, as in a run."""
    action = own_service(Action, request, slug, service_id)
    return actions.test_operation(caller(request), action, trial.operation, trial.arguments)


@router.post("/gpts/{slug}/mcp-servers", response={201: McpServerShape, **INVALID})
def add_mcp_server(request: HttpRequest, slug: str, new: NewMcpServer) -> Status[McpServerRow]:
    """Add an MCP server to your draft. If it can't be reached yet, it is added without tools."""
    gpt = access_draft(caller(request), slug)
    server = actions.add_mcp_server(gpt, new.name, new.url, tuple(new.command))
    return Status(201, _listed(server, caller(request)))


def _listed(server: McpServerRow, by: User) -> McpServerRow:
    """The server with its tools, or the reason why they could not be listed."""
    try:
        return actions.refresh_tools(server, by=by)
    except rpc.NoResult as error:
        server.trouble = str(error)  # type: ignore[attr-defined]
    except ValidationError as error:
        server.trouble = " ".join(error.messages)  # type: ignore[attr-defined]
    return server


@router.patch("/gpts/{slug}/mcp-servers/{uuid:service_id}", response={200: McpServerShape, **INVALID})
def update_mcp_server(request: HttpRequest, slug: str, service_id: UUID, change: McpServerPatch) -> McpServerRow:
    """Change an MCP server of your draft."""
    server = own_service(McpServerRow, request, slug, service_id)
    return actions.saved(server, **change.model_dump(exclude_none=True))


@router.post("/gpts/{slug}/mcp-servers/{uuid:service_id}/refresh", response={200: McpServerShape, **DENIED})
def refresh_mcp_server(request: HttpRequest, slug: str, service_id: UUID) -> McpServerRow:
    """List an MCP server's tools again. What changed is in `changes` and not used before you accept it."""
    return _listed(own_service(McpServerRow, request, slug, service_id), caller(request))


@router.post("/gpts/{slug}/mcp-servers/{uuid:service_id}/accept", response={200: McpServerShape, **DENIED})
def accept_mcp_tools(request: HttpRequest, slug: str, service_id: UUID) -> McpServerRow:
    """Accept the changes of an MCP server's tools."""
    return actions.accept_tools(own_service(McpServerRow, request, slug, service_id))


@router.get("/sign-ins", response={200: list[SignInShape], **OWN_LISTED})
@paginate(Pages, oldest_first=True)
def list_sign_ins(request: HttpRequest) -> QuerySet[SignIn]:
    """The services you are signed in to for actions of GPTs."""
    return sign_ins.sign_ins_of(caller(request))


@router.delete("/sign-ins/{uuid:action_id}", response={204: None, 401: ProblemDetails, 404: ProblemDetails})
def delete_sign_in(request: HttpRequest, action_id: UUID) -> Status[None]:
    """Sign out of the service that an action calls. Its tokens are revoked if the service supports it."""
    sign_ins.sign_out(caller(request), action_id)
    return Status(204, None)
