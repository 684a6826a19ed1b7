"""`/api/gpts/{slug}/actions` and `…/mcp-servers` of the caller's own GPTs; `/api/sign-ins`: the caller's sign-ins."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field

from gpts.spec.actions import MAX_OPERATIONS, NAME_CHARS, AuthHint, Listed, McpTool
from web import rpc
from web.api.auth import caller
from web.api.errors import NativeErrorBody
from web.api.gpts import DENIED, INVALID
from web.api.reading import Text
from web.builder import actions, auth, sign_ins
from web.builder.models_actions import Action, McpServerRow, SignIn
from web.builder.services import access_own_gpt

router = Router(tags=["Actions"])
UNAVAILABLE = {**INVALID, 503: NativeErrorBody}
AuthKind = Literal["none", "bearer", "basic", "header", "oauth"]
ShortText = Annotated[Text, Field(max_length=500)]


class ActionSource(Schema):
    """An OpenAPI 3.0 or 3.1 document: its text (JSON or YAML) or its URL."""

    document: Annotated[Text, Field(max_length=2_000_000)] = ""
    url: Annotated[Text, Field(max_length=2_000)] = Field(
        "", description="Where to fetch it, if `document` is empty."
    )
    server: ShortText = Field("", description="The server URL; default: the first in the document.")
    operations: Annotated[list[ShortText], Field(max_length=MAX_OPERATIONS)] | None = Field(
        None, description=f"Names of the operations to enable; default: the first {MAX_OPERATIONS} usable ones."
    )

    def source(self) -> actions.DocumentSource:
        """The source as a value."""
        chosen = None if self.operations is None else tuple(self.operations)
        return actions.DocumentSource(self.document, self.url, self.server, chosen)


class ActionPreview(Schema):
    """A parsed document. `enabled` lists the operations that would be enabled."""

    title: str
    base_url: str = Field(description="The server URL; if empty, choose a server.")
    servers: list[str]
    listed: list[Listed]
    enabled: list[str]
    warnings: list[str]
    auth: AuthHint = Field(description="Authentication as described in the document.")


class NewAction(ActionSource):
    """An action to add. The name defaults to the document's title."""

    name: Annotated[Text, Field(max_length=NAME_CHARS)] = ""
    privacy_url: ShortText = Field("", description="The service's privacy policy; required in the store.")


class ActionPatch(Schema):
    """Changes to an action. A new document, URL, server or list of operations re-reads the document."""

    name: Annotated[Text, Field(min_length=1, max_length=NAME_CHARS)] | None = None
    privacy_url: ShortText | None = None
    document: Annotated[Text, Field(max_length=2_000_000)] | None = None
    url: Annotated[Text, Field(max_length=2_000)] | None = None
    server: ShortText | None = None
    operations: Annotated[list[ShortText], Field(max_length=MAX_OPERATIONS)] | None = None

    def source(self) -> actions.DocumentSource | None:
        """The document to read; None if it does not change."""
        given = self.model_dump(include={"document", "url", "server", "operations"}, exclude_none=True)
        return ActionSource(**given).source() if given else None


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
    created: datetime

    @staticmethod
    def resolve_secret_set(row: Any) -> bool:
        return bool(row.secret) and row.secret_host == row.host


class ActionShape(OutsideShape):
    """An action of the draft. `listed` are all operations in its document, `enabled` those the GPT can call."""

    document_url: str
    base_url: str
    listed: list[Listed]
    enabled: list[str]
    warnings: list[str]
    redirect_uri: str = Field(description="For OAuth: register it with the service.")

    @staticmethod
    def resolve_enabled(row: Any) -> list[str]:
        return [each["name"] for each in row.operations]

    @staticmethod
    def resolve_redirect_uri(row: Any) -> str:
        return sign_ins.redirect_uri(row)


class AuthSetting(Schema):
    """Authentication of calls. Without `secret` the stored one is kept if kind and host are the same; "" deletes it.

    `secret` is the API key ("user:password" for basic), or the client secret for oauth.
    """

    kind: AuthKind
    secret: Annotated[Text, Field(max_length=4_000)] | None = None
    header: ShortText = ""
    client_id: ShortText = ""
    authorize_url: ShortText = ""
    token_url: ShortText = ""
    revoke_url: ShortText = ""
    scope: ShortText = ""
    token_auth: Literal["post", "basic"] = "post"  # noqa: S105 - a method, no secret

    def choice(self) -> auth.AuthChoice:
        """The setting as a value."""
        return auth.AuthChoice(**self.model_dump())


class Trial(Schema):
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


class NewMcpServer(Schema):
    """An MCP server to add; its tools are listed immediately."""

    name: Annotated[Text, Field(max_length=NAME_CHARS)] = ""
    url: Annotated[Text, Field(max_length=2_000)] = ""
    command: Annotated[list[ShortText], Field(max_length=40)] = Field(
        default_factory=list, description="A program on this server, if the site allows it."
    )


class McpServerPatch(Schema):
    """Changes to an MCP server. `trusted`: skip confirmation for tools the server marks read-only."""

    name: Annotated[Text, Field(min_length=1, max_length=NAME_CHARS)] | None = None
    trusted: bool | None = None
    privacy_url: ShortText | None = None


class McpServerShape(OutsideShape):
    """An MCP server of the draft. `trouble` says why its tools could not be listed."""

    url: str
    command: list[str]
    trusted: bool
    tools: list[McpTool]
    trouble: str = ""


class SignInShape(Schema):
    """A service that you are signed in to, for your runs of one GPT."""

    action: UUID = Field(validation_alias="action_id")
    gpt: str = Field(validation_alias="action.gpt.slug")
    host: str
    created: datetime


def _own_action(request: HttpRequest, slug: str, action_id: UUID) -> Action:
    return actions.access_outside(Action, access_own_gpt(caller(request), slug), action_id)


def _own_server(request: HttpRequest, slug: str, server_id: UUID) -> McpServerRow:
    return actions.access_outside(McpServerRow, access_own_gpt(caller(request), slug), server_id)


@router.get("/gpts/{slug}/actions", response={200: list[ActionShape], **DENIED})
def list_actions(request: HttpRequest, slug: str) -> QuerySet[Action]:
    """The actions in your draft."""
    return access_own_gpt(caller(request), slug).actions.filter(removed=None).select_related("gpt")


@router.post("/gpts/{slug}/actions/preview", response={200: ActionPreview, **UNAVAILABLE})
def preview_action(request: HttpRequest, slug: str, source: ActionSource) -> dict[str, Any]:
    """Preview a document without adding it."""
    access_own_gpt(caller(request), slug)
    imported = actions.preview_import(source.source())[0]
    return {**imported.model_dump(exclude={"operations"}), "enabled": [each.name for each in imported.operations]}


@router.post("/gpts/{slug}/actions", response={201: ActionShape, **UNAVAILABLE})
def add_action(request: HttpRequest, slug: str, new: NewAction) -> Status[Action]:
    """Add an action to your draft."""
    gpt = access_own_gpt(caller(request), slug)
    return Status(201, actions.add_action(gpt, new.source(), new.name, new.privacy_url))


@router.get("/gpts/{slug}/actions/{uuid:action_id}", response={200: ActionShape, **DENIED})
def read_action(request: HttpRequest, slug: str, action_id: UUID) -> Action:
    """An action of your draft."""
    return _own_action(request, slug, action_id)


@router.patch("/gpts/{slug}/actions/{uuid:action_id}", response={200: ActionShape, **UNAVAILABLE})
def update_action(request: HttpRequest, slug: str, action_id: UUID, change: ActionPatch) -> Action:
    """Change an action. The published version keeps the old one until you publish again."""
    action = _own_action(request, slug, action_id)
    named = change.model_dump(include={"name", "privacy_url"}, exclude_none=True)
    return actions.update_action(action, change.source(), named)


@router.delete("/gpts/{slug}/actions/{uuid:action_id}", response={204: None, **DENIED})
def remove_action(request: HttpRequest, slug: str, action_id: UUID) -> Status[None]:
    """Remove an action from your draft. The published version keeps it until you publish again."""
    actions.remove(_own_action(request, slug, action_id))
    return Status(204, None)


@router.post("/gpts/{slug}/actions/{uuid:action_id}/auth", response={200: ActionShape, **INVALID})
def set_action_auth(request: HttpRequest, slug: str, action_id: UUID, setting: AuthSetting) -> Action:
    """Set an action's authentication. Takes effect immediately, also for the published version."""
    return auth.set_auth(_own_action(request, slug, action_id), setting.choice())


@router.post("/gpts/{slug}/actions/{uuid:action_id}/test", response={200: Tried, **UNAVAILABLE})
def test_action(request: HttpRequest, slug: str, action_id: UUID, trial: Trial) -> dict[str, Any]:
    """Call an operation now, as in a run."""
    action = _own_action(request, slug, action_id)
    return actions.test_operation(caller(request), action, trial.operation, trial.arguments)


@router.get("/gpts/{slug}/mcp-servers", response={200: list[McpServerShape], **DENIED})
def list_mcp_servers(request: HttpRequest, slug: str) -> QuerySet[McpServerRow]:
    """The MCP servers in your draft."""
    return access_own_gpt(caller(request), slug).mcp_servers.filter(removed=None).select_related("gpt")


@router.post("/gpts/{slug}/mcp-servers", response={201: McpServerShape, **INVALID})
def add_mcp_server(request: HttpRequest, slug: str, new: NewMcpServer) -> Status[McpServerRow]:
    """Add an MCP server to your draft. If it can't be reached yet, it is added without tools."""
    gpt = access_own_gpt(caller(request), slug)
    server = actions.add_mcp_server(gpt, new.name, new.url, tuple(new.command))
    return Status(201, _listed(server))


def _listed(server: McpServerRow) -> McpServerRow:
    """The server with its tools, or the reason why they could not be listed."""
    try:
        return actions.refresh_tools(server)
    except rpc.NoResult as error:
        server.trouble = str(error)  # type: ignore[attr-defined]
    except ValidationError as error:
        server.trouble = " ".join(error.messages)  # type: ignore[attr-defined]
    return server


@router.patch("/gpts/{slug}/mcp-servers/{uuid:server_id}", response={200: McpServerShape, **INVALID})
def update_mcp_server(request: HttpRequest, slug: str, server_id: UUID, change: McpServerPatch) -> McpServerRow:
    """Change an MCP server of your draft."""
    server = _own_server(request, slug, server_id)
    return actions.update_mcp_server(server, change.model_dump(exclude_none=True))


@router.delete("/gpts/{slug}/mcp-servers/{uuid:server_id}", response={204: None, **DENIED})
def remove_mcp_server(request: HttpRequest, slug: str, server_id: UUID) -> Status[None]:
    """Remove an MCP server from your draft. The published version keeps it until you publish again."""
    actions.remove(_own_server(request, slug, server_id))
    return Status(204, None)


@router.post("/gpts/{slug}/mcp-servers/{uuid:server_id}/refresh", response={200: McpServerShape, **DENIED})
def refresh_mcp_server(request: HttpRequest, slug: str, server_id: UUID) -> McpServerRow:
    """Refresh an MCP server's tools."""
    return _listed(_own_server(request, slug, server_id))


@router.post("/gpts/{slug}/mcp-servers/{uuid:server_id}/auth", response={200: McpServerShape, **INVALID})
def set_mcp_server_auth(request: HttpRequest, slug: str, server_id: UUID, setting: AuthSetting) -> McpServerRow:
    """Set an MCP server's authentication: an API key or none."""
    return auth.set_auth(_own_server(request, slug, server_id), setting.choice())


@router.get("/sign-ins", response={200: list[SignInShape], 401: NativeErrorBody})
def list_sign_ins(request: HttpRequest) -> QuerySet[SignIn]:
    """The services you are signed in to for actions of GPTs."""
    own = SignIn.objects.filter(user=caller(request)).exclude(sealed="")
    return own.select_related("action__gpt").order_by("created")


@router.delete("/sign-ins/{uuid:action_id}", response={204: None, 401: NativeErrorBody, 404: NativeErrorBody})
def delete_sign_in(request: HttpRequest, action_id: UUID) -> Status[None]:
    """Sign out of the service that an action calls. Its tokens are revoked if the service supports it."""
    own = SignIn.objects.filter(user=caller(request), action=action_id).select_related("action__gpt").first()
    if own is None:
        raise Http404("You’re not signed in there.")
    sign_ins.sign_out(own)
    return Status(204, None)
