"""RPC for the builder: read an OpenAPI document, try a call, list a server's tools, read a card, draw a picture."""

import time
from base64 import b64encode
from typing import Any, Final
from uuid import UUID

from gpts.spec.actions import CALL_TIMEOUT_S, DOCUMENT_BYTES, MESSAGE_CHARS, named_operations
from web.builder.models_actions import Action, McpServerRow, Outside, RemoteAgentRow
from workers.egress import EgressConfig, EgressError, FetchLimits, fetch
from workers.tools import ToolContext, ToolError
from workers.tools.actions import answers
from workers.tools.actions.calling import exchange, raw_text
from workers.tools.actions.importing import ImportRefused
from workers.tools.actions.importing.confined import read_confined
from workers.tools.credentials import NOTHING, Credential
from workers.tools.make_image.run import picture
from workers.tools.mcp import list_tools
from workers.tools.settings import ToolSettings

# The longest response that the form shows.
MAX_SHOWN_CHARS: Final = 20_000
_FETCH: Final = FetchLimits(max_bytes=DOCUMENT_BYTES, timeout_s=20.0)


def read_action(document: str, url: str, options: dict[str, Any], settings: ToolSettings) -> dict[str, Any]:
    """The operations of a document, fetched first if only its URL is given; or the reason why not in `refused`."""
    try:
        text = document if document.strip() else _fetched(url, settings.egress)
        imported = read_confined(text, options.get("operations"), options.get("server", ""), url)
    except (ImportRefused, EgressError) as error:
        return {"refused": str(error)}
    fetched = {} if document.strip() else {"document": text}
    return {"imported": imported, **fetched}


def _fetched(url: str, egress: EgressConfig) -> str:
    response = fetch(url, egress, limits=_FETCH)
    if response.status >= 400:
        raise ImportRefused(f"The URL returned status {response.status} instead of a document.")
    return response.content.decode("utf-8-sig", errors="replace")


def try_operation(
    action_id: UUID, user_id: int, operation: str, arguments: dict[str, Any], settings: ToolSettings
) -> dict[str, Any]:
    """The request and response of a call of the draft's operation, as in a run of the user, without its secret."""
    action = Action.objects.select_related("gpt").get(id=action_id, removed=None)
    spec = action.gpt.draft_spec()
    called = next(
        (each for owner, each in named_operations(spec.actions).values()
         if owner.action_id == str(action_id) and each.name == operation),
        None,
    )  # fmt: skip
    if called is None:
        return {"error": "This operation isn't in the draft."}
    context = ToolContext("test", f"test-{action_id}", user_id, spec, CALL_TIMEOUT_S)
    began = time.monotonic()
    try:
        done = exchange(settings, action.spec(), called, arguments, context)
    except ToolError as error:
        return {"error": str(error)}
    text = answers.readable(done.value())
    return {
        "request": raw_text(done.request, action.auth),
        "status": done.response.status,
        "content_type": done.response.content_type,
        "response": text[:MAX_SHOWN_CHARS],
        "n_chars": len(text),
        "seconds": round(time.monotonic() - began, 2),
        "error": "The response is too long: up to 100,000 characters are allowed."
        if len(text) >= MESSAGE_CHARS
        else "",
    }


def mcp_tools(server_id: UUID, settings: ToolSettings) -> dict[str, Any]:
    """The tools that the server offers; or the reason why not in `refused`."""
    server = McpServerRow.objects.select_related("gpt").get(id=server_id, removed=None)
    try:
        tools = list_tools(settings, server.spec(), _owners_credential(server, settings))
    except ToolError as error:
        return {"refused": str(error)}
    return {"tools": [tool.model_dump(mode="json") for tool in tools]}


def agent_card(card_url: str, agent_id: UUID | None, settings: ToolSettings) -> dict[str, Any]:
    """The facts in an Agent Card, read with the agent's key if there is one; or the reason why not in `refused`."""
    from workers.tools.a2a.cards import read_card  # on first use: loading the SDK takes half a second

    try:
        agent = RemoteAgentRow.objects.select_related("gpt").get(id=agent_id, removed=None) if agent_id else None
        facts = read_card(settings.egress, card_url, _owners_credential(agent, settings) if agent else NOTHING)
    except ToolError as error:
        return {"refused": str(error)}
    return {"card": facts.model_dump(mode="json")}


def _owners_credential(row: Outside, settings: ToolSettings) -> Credential:
    """The credential for the row's own host, for the GPT's owner. Raises ToolError."""
    return settings.credential(row.auth, str(row.id), row.gpt.owner_id, row.host)


def draw(prompt: str, settings: ToolSettings) -> dict[str, Any]:
    """A GPT's picture as WebP in base64 under `picture`; or the reason why not in `refused`."""
    try:
        return {"picture": b64encode(picture(prompt, settings)).decode()}
    except ToolError as error:
        return {"refused": str(error)}
