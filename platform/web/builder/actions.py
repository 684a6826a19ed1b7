"""Writes about a draft's actions and MCP servers: importing documents, enabling operations, test calls.

`auth` sets how calls authenticate; `agents` has the writes about remote agents.
"""

import json
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext
from pydantic import ConfigDict, Field

from gpts.spec.actions import (
    DOCUMENT_BYTES,
    MAX_ACTIONS,
    MAX_OPERATIONS,
    NAME_CHARS,
    Imported,
    McpTool,
    host_name,
    host_of,
)
from gpts.spec.gpt import GptSpec
from gpts.values import ShortText, Text
from web import rpc
from web.accounts.models import User
from web.builder.models import Gpt
from web.builder.models_actions import Action, McpServerRow, Outside
from web.builder.reviews import same_tools

# The largest real documents of 2 MB are read in 5 s (measured 2026-11-24); fetching may take another 20 s.
IMPORT_TIMEOUT_S: Final = 45.0
TEST_TIMEOUT_S: Final = 60.0
# Of those of one kind that left the draft of a GPT, for its earlier versions; each holds its document.
MAX_REMOVED: Final = 50
Row = TypeVar("Row", bound=Outside)


@dataclass(frozen=True, slots=True)
class DocumentSource:
    """An OpenAPI 3.0 or 3.1 document: its text (JSON or YAML) or its URL."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    document: Annotated[Text, Field(max_length=DOCUMENT_BYTES)] = ""
    url: Annotated[Text, Field(max_length=2_000, description="Where to fetch it, if `document` is empty.")] = ""
    server: Annotated[ShortText, Field(description="The server URL; default: the first in the document.")] = ""
    operations: Annotated[
        tuple[ShortText, ...] | None,
        Field(
            max_length=MAX_OPERATIONS,
            description=f"Names of the operations to enable; default: the first {MAX_OPERATIONS} usable ones.",
        ),
    ] = None


def preview_import(user: User, source: DocumentSource) -> tuple[Imported, str]:
    """The parsed document and its text, for `user`. Raises ValidationError by field, NoResult."""
    if not source.document.strip() and not source.url.strip():
        raise ValidationError({"document": gettext("Paste an OpenAPI document or enter its URL.")})
    if len(source.document.encode(errors="replace")) > DOCUMENT_BYTES:
        raise ValidationError(
            {"document": gettext("Too large: a document can have up to {n} MB.").format(n=DOCUMENT_BYTES // 1000000)}
        )
    options = {"server": source.server, "operations": source.operations}
    args = (source.document, source.url.strip(), json.dumps(options))
    result = rpc.call_for(user.pk, "workers.tasks.import_action", *args, queue="tools", timeout_s=IMPORT_TIMEOUT_S)
    if refused := result.get("refused"):
        raise ValidationError({"document": refused})
    return Imported.model_validate(result["imported"]), result.get("document") or source.document


def add_action(gpt: Gpt, source: DocumentSource, name: str = "", privacy_url: str = "", *, by: User) -> Action:
    """A new action of the draft. Raises ValidationError by field, NoResult."""
    full = gettext("A GPT can have up to {limit} actions. Remove one first.")
    check_room(gpt.actions.all(), full, "document", MAX_ACTIONS)
    imported, document = preview_import(by, source)
    action = Action(gpt=gpt, name=name or imported.title, privacy_url=privacy_url)
    take(action, imported, document, source.url)
    return saved(action)


def update_action(action: Action, source: DocumentSource | None, fields: dict[str, str], *, by: User) -> Action:
    """The action with `fields` (name, privacy_url) changed, and `source` read if it isn't None.

    A source without document and URL means the document that the action has. The key serves what is new only if
    `by` entered it.
    """
    if source is not None:
        url = source.url
        if not (source.document.strip() or url.strip()):
            url = action.document_url
            server = source.server or action.base_url
            source = DocumentSource(action.document, server=server, operations=source.operations)
        take(action, *preview_import(by, source), url)
        if action.secret_for is not None and action.secret_by == by and action.host == action.secret_host:
            action.secret_for = sorted({*action.secret_for, *action.calls})
    return saved(action, **fields)


def take(action: Action, imported: Imported, document: str, url: str) -> None:
    """Make the document, fetched from `url` if that is not empty, the action's. Raises ValidationError by field."""
    if not imported.base_url:
        raise ValidationError(
            {"server": gettext("The document doesn’t name a full server URL. Enter one that starts with https://.")}
        )
    action.document, action.document_url, action.base_url = document, url, imported.base_url
    action.listed = [each.model_dump(mode="json") for each in imported.listed]
    action.operations = [each.model_dump(mode="json") for each in imported.operations]
    action.warnings = list(imported.warnings)


def saved(row: Row, **fields: Any) -> Row:
    """The row with `fields` changed, validated and saved. Raises ValidationError by field."""
    for name, value in fields.items():
        setattr(row, name, value)
    row.name = " ".join(row.name.split())[:NAME_CHARS]
    row.full_clean(validate_unique=False)
    row.save()
    Gpt.objects.filter(id=row.gpt_id).update(changed=timezone.now())
    return row


def check_room(rows: QuerySet[Row], full: str, field: str, limit: int) -> None:
    """Raises ValidationError with the text `full` if a draft already has `limit` of `rows`.

    Forgets the oldest of very many that were removed, unless the live version calls them.
    """
    for row in rows.exclude(removed=None).select_related("gpt__published").order_by("-removed")[MAX_REMOVED:]:
        if row.gpt.published is None or str(row.pk) not in called_by(row.gpt.published.spec()):
            row.delete()
    if rows.filter(removed=None).count() >= limit:
        raise ValidationError({field: full.format(limit=limit)})


def draft_rows(model: type[Row], gpt: Gpt) -> QuerySet[Row]:
    """The rows of `model`, such as actions, in the draft of `gpt`."""
    return model._default_manager.filter(gpt=gpt, removed=None).select_related("gpt")


def access_outside(model: type[Row], gpt: Gpt, row_id: UUID) -> Row:
    """The action, MCP server or remote agent `row_id` in the draft of `gpt`. Raises Http404."""
    row = draft_rows(model, gpt).filter(id=row_id).first()
    if row is None:
        raise Http404("Not found in this GPT.")
    return row


def remove(row: Outside) -> None:
    """Remove an external service from the draft. The published version keeps it until the next publication."""
    row.removed = timezone.now()
    row.save(update_fields=["removed"])
    if not row.gpt.published or str(row.id) not in called_by(row.gpt.published.spec()):
        forget_secret(row)


def called_by(spec: GptSpec) -> set[str]:
    """The ids of the actions, MCP servers and remote agents that a version can call."""
    servers = {each.server_id for each in spec.mcp_servers}
    return {each.action_id for each in spec.actions} | servers | {each.agent_id for each in spec.remote_agents}


def outside(gpt: Gpt) -> tuple[QuerySet[Outside], ...]:
    """The GPT's actions, MCP servers and remote agents, including removed ones."""
    return (gpt.actions.all(), gpt.mcp_servers.all(), gpt.remote_agents.all())


def forget_secret(row: Outside) -> None:
    """Delete the stored key or client secret, and everyone's sign-ins."""
    row.keep_secret("", by=None)
    row.save(update_fields=["secret", "secret_host"])
    if isinstance(row, Action):
        row.sign_ins.all().delete()


def forget_unused_secrets(gpt: Gpt, spec: GptSpec) -> None:
    """After publishing `spec`: delete the secrets of removed services that it does not call."""
    used = called_by(spec)
    for rows in outside(gpt):
        for row in rows.exclude(removed=None).exclude(secret="").select_related("gpt"):
            if str(row.id) not in used:
                forget_secret(row)


def bring_back(gpt: Gpt, spec: GptSpec) -> None:
    """Make the draft's actions, MCP servers and remote agents those of `spec`. Secrets are not changed."""
    used = called_by(spec)
    for rows in outside(gpt):
        rows.filter(removed=None).exclude(id__in=used).update(removed=timezone.now())
        rows.filter(id__in=used).update(removed=None)
    for action in spec.actions:
        fields = action.model_dump(mode="json", include={"name", "base_url", "operations"})
        gpt.actions.filter(id=action.action_id).update(**fields)
    for server in spec.mcp_servers:
        fields = server.model_dump(mode="json", include={"name", "url", "trusted", "tools"})
        gpt.mcp_servers.filter(id=server.server_id).update(**fields)
    for agent in spec.remote_agents:
        fields = agent.model_dump(mode="json", exclude={"agent_id", "auth"})
        gpt.remote_agents.filter(id=agent.agent_id).update(**fields)


def privacy_missing(gpt: Gpt) -> str:
    """Why the draft may not be in the store: an external service has no privacy policy. Empty if all have one."""
    for rows in outside(gpt):
        if found := rows.filter(removed=None, privacy_url="").values_list("name", flat=True).first():
            return gettext("“{found}” needs a privacy policy URL before you can publish in the store.").format(
                found=found
            )
    return ""


def test_operation(user: User, action: Action, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The result of a test call: request (without secret), status, response, error. Raises ValidationError, NoResult.

    `user` edits the draft; their sign-in is used.
    """
    if operation not in {each["name"] for each in action.operations}:
        raise ValidationError(
            {"operation": gettext("This action has no operation “{name}”.").format(name=operation[:64])}
        )
    args = (str(action.id), str(user.pk), operation, json.dumps(arguments))
    return rpc.call_for(user.pk, "workers.tasks.try_operation", *args, queue="tools", timeout_s=TEST_TIMEOUT_S)


def add_mcp_server(gpt: Gpt, name: str, url: str = "", command: tuple[str, ...] = ()) -> McpServerRow:
    """A new MCP server of the draft; `refresh_tools` lists its tools. Raises ValidationError by field."""
    full = gettext("A GPT can have up to {limit} MCP servers. Remove one first.")
    check_room(gpt.mcp_servers.all(), full, "url", MAX_ACTIONS)
    if bool(url) == bool(command):
        raise ValidationError({"url": gettext("Enter the server’s URL or choose a program.")})
    if command and command not in settings.MCP_COMMANDS:
        raise ValidationError({"command": gettext("This program isn’t allowed on this site.")})
    if url:
        check_address(url, "url", gettext("Enter the server’s full URL, starting with https://."))
    return saved(McpServerRow(gpt=gpt, name=name or host_of(url) or command[0], url=url, command=list(command)))


def check_address(url: str, field: str, wrong: str) -> None:
    """Raises ValidationError with the text `wrong` unless `url` is a full HTTP URL."""
    if not url.startswith(("http://", "https://")) or not host_name(url):
        raise ValidationError({field: wrong})


def refresh_tools(server: McpServerRow, *, by: User) -> McpServerRow:
    """The server with its current tools, in `offered` if the creator saw others. Raises ValidationError, NoResult."""
    task = "workers.tasks.list_mcp_tools"
    result = rpc.call_for(by.pk, task, str(server.id), queue="tools", timeout_s=TEST_TIMEOUT_S)
    if refused := result.get("refused"):
        raise ValidationError({"url": refused})
    listed = [McpTool.model_validate(each).model_dump(mode="json") for each in result["tools"]]
    if server.tools and not same_tools(server.tools, listed):
        return saved(server, offered=listed)
    return saved(server, tools=listed, offered=None)


def accept_tools(server: McpServerRow) -> McpServerRow:
    """The server with the tools that it offered, which the creator has looked at."""
    return saved(server, tools=server.tools if server.offered is None else server.offered, offered=None)
