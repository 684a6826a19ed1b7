"""`/api/gpts/{slug}/actions` and `…/mcp-servers`: what one's own GPT may call; `/api/sign-ins`: one's sign-ins."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field

from gpts.spec.actions import MAX_OPERATIONS, NAME_CHARS, AuthHint, Imported, Listed, McpTool
from web import rpc
from web.api.auth import caller
from web.api.errors import NativeErrorBody
from web.api.gpts import DENIED, INVALID
from web.api.reading import Text
from web.builder import actions, auth, sign_ins
from web.builder.models_actions import Action, McpServerRow, SignIn
from web.builder.services import access_own_gpt

router = Router(tags=["Actions"])
AWAY = {**INVALID, 503: NativeErrorBody}
AuthKind = Literal["none", "bearer", "basic", "header", "oauth"]
ShortText = Annotated[Text, Field(max_length=500)]


class ActionSource(Schema):
    """An OpenAPI 3.0 or 3.1 document, as its text (JSON or YAML) or by address."""

    document: Annotated[Text, Field(max_length=2_000_000)] = ""
    url: Annotated[Text, Field(max_length=2_000)] = Field("", description="Fetched by a worker, if there is no text.")
    server: ShortText = Field("", description="The address to call, if not the first that the document names.")
    operations: Annotated[list[ShortText], Field(max_length=MAX_OPERATIONS)] | None = Field(
        None, description=f"Names of the operations to take; without it the first {MAX_OPERATIONS} that can be used."
    )

    def source(self) -> actions.DocumentSource:
        """As the services take it."""
        chosen = None if self.operations is None else tuple(self.operations)
        return actions.DocumentSource(self.document, self.url, self.server, chosen)


class ActionPreview(Schema):
    """A document as it is understood. `enabled` are the operations that would be taken."""

    title: str
    base_url: str = Field(description="Where calls would go; empty: name a server.")
    servers: list[str]
    listed: list[Listed]
    enabled: list[str]
    warnings: list[str]
    auth: AuthHint = Field(description="What the document says of signing in.")


class NewAction(ActionSource):
    """An action to add. Without a name it is called as its document is."""

    name: Annotated[Text, Field(max_length=NAME_CHARS)] = ""
    privacy_url: ShortText = Field("", description="The service's privacy policy; needed in the store.")


class ActionPatch(Schema):
    """What to change. A document, address, server or list of operations has the document read anew."""

    name: Annotated[Text, Field(min_length=1, max_length=NAME_CHARS)] | None = None
    privacy_url: ShortText | None = None
    document: Annotated[Text, Field(max_length=2_000_000)] | None = None
    url: Annotated[Text, Field(max_length=2_000)] | None = None
    server: ShortText | None = None
    operations: Annotated[list[ShortText], Field(max_length=MAX_OPERATIONS)] | None = None

    def source(self) -> actions.DocumentSource | None:
        """The document to read, None where it stays."""
        given = self.model_dump(include={"document", "url", "server", "operations"}, exclude_none=True)
        return ActionSource(**given).source() if given else None


class OutsideShape(Schema):
    """What actions, MCP servers and remote agents have in common. The secret itself is never told."""

    id: UUID
    name: str
    host: str
    auth: AuthKind
    header: str = Field(description="The header that takes the key, for the kind “header”.")
    secret_set: bool = Field(description="Whether a key or client secret is stored for this host.")
    oauth: dict[str, str]
    privacy_url: str
    created: datetime

    @staticmethod
    def resolve_secret_set(row: Any) -> bool:
        return bool(row.secret) and row.secret_host == row.host


class ActionShape(OutsideShape):
    """An action of the draft. `listed` are all operations of its document, `enabled` those that the GPT may call."""

    document_url: str
    base_url: str
    listed: list[Listed]
    enabled: list[str]
    warnings: list[str]
    redirect_uri: str = Field(description="Register it at the service, for OAuth.")

    @staticmethod
    def resolve_enabled(row: Any) -> list[str]:
        return [each["name"] for each in row.operations]

    @staticmethod
    def resolve_redirect_uri(row: Any) -> str:
        return sign_ins.redirect_uri(row)


class AuthSetting(Schema):
    """How calls sign in. Without `secret` the stored one stays, if kind and host did; "" forgets it.

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
    token_auth: Literal["post", "basic"] = "post"  # noqa: S105 - a way, no secret

    def choice(self) -> auth.AuthChoice:
        """As the services take it."""
        return auth.AuthChoice(**self.model_dump())


class Trial(Schema):
    """A call to try."""

    operation: ShortText
    arguments: dict[str, Any] = Field(default_factory=dict, examples=[{}])


class Tried(Schema):
    """What the call gave. `request` is the exact request without its secret; `error` says why there is no answer."""

    request: str = ""
    status: int | None = None
    content_type: str = ""
    response: str = Field("", description="Its first 20,000 characters.")
    n_chars: int = 0
    seconds: float = 0
    error: str = ""


class NewMcpServer(Schema):
    """An MCP server to add; its tools are listed at once."""

    name: Annotated[Text, Field(max_length=NAME_CHARS)] = ""
    url: Annotated[Text, Field(max_length=2_000)] = ""
    command: Annotated[list[ShortText], Field(max_length=40)] = Field(
        default_factory=list, description="A program of this machine, where the operator allows it."
    )


class McpServerPatch(Schema):
    """What to change. `trusted`: believe the server which of its tools only read, so that these do not ask."""

    name: Annotated[Text, Field(min_length=1, max_length=NAME_CHARS)] | None = None
    trusted: bool | None = None
    privacy_url: ShortText | None = None


class McpServerShape(OutsideShape):
    """An MCP server of the draft. `trouble` says why its tools could not be listed just now."""

    url: str
    command: list[str]
    trusted: bool
    tools: list[McpTool]
    trouble: str = ""


class SignInShape(Schema):
    """Where you are signed in, for your own runs of one GPT."""

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


@router.post("/gpts/{slug}/actions/preview", response={200: ActionPreview, **AWAY})
def preview_action(request: HttpRequest, slug: str, source: ActionSource) -> dict[str, Any]:
    """What a document holds, without adding it."""
    access_own_gpt(caller(request), slug)
    return _preview(actions.preview_import(source.source())[0])


def _preview(imported: Imported) -> dict[str, Any]:
    return {**imported.model_dump(exclude={"operations"}), "enabled": [each.name for each in imported.operations]}


@router.post("/gpts/{slug}/actions", response={201: ActionShape, **AWAY})
def add_action(request: HttpRequest, slug: str, new: NewAction) -> Status[Action]:
    """Add an action to your draft."""
    gpt = access_own_gpt(caller(request), slug)
    return Status(201, actions.add_action(gpt, new.source(), new.name, new.privacy_url))


@router.get("/gpts/{slug}/actions/{uuid:action_id}", response={200: ActionShape, **DENIED})
def read_action(request: HttpRequest, slug: str, action_id: UUID) -> Action:
    """An action of your draft."""
    return _own_action(request, slug, action_id)


@router.patch("/gpts/{slug}/actions/{uuid:action_id}", response={200: ActionShape, **AWAY})
def update_action(request: HttpRequest, slug: str, action_id: UUID, change: ActionPatch) -> Action:
    """Change an action. What is published stays as it is until you publish again."""
    action = _own_action(request, slug, action_id)
    named = change.model_dump(include={"name", "privacy_url"}, exclude_none=True)
    return actions.update_action(action, change.source(), named)


@router.delete("/gpts/{slug}/actions/{uuid:action_id}", response={204: None, **DENIED})
def remove_action(request: HttpRequest, slug: str, action_id: UUID) -> Status[None]:
    """Take an action out of your draft. The published version keeps it until you publish again."""
    actions.remove(_own_action(request, slug, action_id))
    return Status(204, None)


@router.post("/gpts/{slug}/actions/{uuid:action_id}/auth", response={200: ActionShape, **INVALID})
def set_action_auth(request: HttpRequest, slug: str, action_id: UUID, setting: AuthSetting) -> Action:
    """Say how calls of an action sign in. Holds at once, for the published version too."""
    return auth.set_auth(_own_action(request, slug, action_id), setting.choice())


@router.post("/gpts/{slug}/actions/{uuid:action_id}/test", response={200: Tried, **AWAY})
def test_action(request: HttpRequest, slug: str, action_id: UUID, trial: Trial) -> dict[str, Any]:
    """Call an operation now, as a run of yours would."""
    action = _own_action(request, slug, action_id)
    return actions.test_operation(caller(request), action, trial.operation, trial.arguments)


@router.get("/gpts/{slug}/mcp-servers", response={200: list[McpServerShape], **DENIED})
def list_mcp_servers(request: HttpRequest, slug: str) -> QuerySet[McpServerRow]:
    """The MCP servers in your draft."""
    return access_own_gpt(caller(request), slug).mcp_servers.filter(removed=None).select_related("gpt")


@router.post("/gpts/{slug}/mcp-servers", response={201: McpServerShape, **INVALID})
def add_mcp_server(request: HttpRequest, slug: str, new: NewMcpServer) -> Status[McpServerRow]:
    """Add an MCP server to your draft. One that cannot be asked yet is added without tools."""
    gpt = access_own_gpt(caller(request), slug)
    server = actions.add_mcp_server(gpt, new.name, new.url, tuple(new.command))
    return Status(201, _listed(server))


def _listed(server: McpServerRow) -> McpServerRow:
    """The server with its tools, or with why they could not be listed."""
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
    """Take an MCP server out of your draft. The published version keeps it until you publish again."""
    actions.remove(_own_server(request, slug, server_id))
    return Status(204, None)


@router.post("/gpts/{slug}/mcp-servers/{uuid:server_id}/refresh", response={200: McpServerShape, **DENIED})
def refresh_mcp_server(request: HttpRequest, slug: str, server_id: UUID) -> McpServerRow:
    """List the tools of an MCP server anew."""
    return _listed(_own_server(request, slug, server_id))


@router.post("/gpts/{slug}/mcp-servers/{uuid:server_id}/auth", response={200: McpServerShape, **INVALID})
def set_mcp_server_auth(request: HttpRequest, slug: str, server_id: UUID, setting: AuthSetting) -> McpServerRow:
    """Say how calls of an MCP server sign in: a key, or nothing."""
    return auth.set_auth(_own_server(request, slug, server_id), setting.choice())


@router.get("/sign-ins", response={200: list[SignInShape], 401: NativeErrorBody})
def list_sign_ins(request: HttpRequest) -> QuerySet[SignIn]:
    """The services that you are signed in to, for actions of GPTs."""
    own = SignIn.objects.filter(user=caller(request)).exclude(sealed="")
    return own.select_related("action__gpt").order_by("created")


@router.delete("/sign-ins/{uuid:action_id}", response={204: None, 401: NativeErrorBody, 404: NativeErrorBody})
def delete_sign_in(request: HttpRequest, action_id: UUID) -> Status[None]:
    """Sign out of the service that an action calls. Its tokens are revoked there, if that is possible."""
    own = SignIn.objects.filter(user=caller(request), action=action_id).select_related("action__gpt").first()
    if own is None:
        raise Http404("You are not signed in there.")
    sign_ins.sign_out(own)
    return Status(204, None)
