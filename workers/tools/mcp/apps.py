"""MCP Apps (SEP-1865, version 2026-01-26): pages of a server that show the results of its tools.

A page is read right after its result and kept with all that it is given, so that the chat never asks the server for
one. It is text of an outsider: `web/chat/frames.py` says where it runs. What it wants to load (`_meta.ui.csp`) and to
use (`permissions`) is not granted: through any other host, what a chat shows would leave the site. It reaches its own
server through `app_calls.py` only, under the policy for calls.
"""

import base64
import json
import logging
from typing import TYPE_CHECKING, Any, Final, Literal

import anyio

from gpts.runs.steps import AppView
from gpts.spec.actions import McpTool
from workers.tools import ToolContext
from workers.tools.credentials import Credential, scrub

if TYPE_CHECKING:
    from mcp.client import Client
    from mcp.types import CallToolResult

logger = logging.getLogger(__name__)

SCHEME: Final = "ui://"
MAX_ADDRESS_CHARS: Final = 500
MAX_PAGE_CHARS: Final = 2_000_000
READ_S: Final = 10.0


def address_of(listed: Any) -> str:
    """The address of the page that shows the results of a listed tool; empty if there is none."""
    meta = listed.meta or {}
    address = _ui(listed).get("resourceUri") or meta.get("ui/resourceUri")
    is_one = isinstance(address, str) and address.startswith(SCHEME) and len(address) <= MAX_ADDRESS_CHARS
    return str(address) if is_one else ""


def may_call(listed: Any, caller: Literal["model", "app"]) -> bool:
    """Whether models, or the server's own pages, may call the listed tool: both, unless it says otherwise."""
    visibility = _ui(listed).get("visibility")
    return not isinstance(visibility, list) or caller in visibility


def _ui(listed: Any) -> dict[str, Any]:
    ui = (listed.meta or {}).get("ui")
    return ui if isinstance(ui, dict) else {}


async def read(client: "Client", address: str) -> str:
    """The page; empty if it can't be read, which leaves the result as it is."""
    with anyio.move_on_after(READ_S):
        try:
            contents = (await client.read_resource(address)).contents
            return next(filter(None, map(_html, contents)), "")
        except Exception:
            logger.info("the page %s could not be read", address, exc_info=True)
    return ""


def _html(content: Any) -> str:
    """The text of a content that is HTML and not too long; else empty."""
    if not (content.mime_type or "").startswith("text/html"):
        return ""
    text = getattr(content, "text", None)
    if text is None:
        text = base64.b64decode(content.blob).decode("utf-8", "replace")
    return text if len(text) <= MAX_PAGE_CHARS else ""


def data_of(
    page: str, tool: McpTool, arguments: dict[str, Any], result: "CallToolResult", credential: Credential
) -> bytes:
    """The page and what it is given, as JSON without secrets."""
    given = {
        "html": page,
        "tool": {"name": tool.name, "description": tool.description, "inputSchema": tool.parameters},
        "arguments": arguments,
        "result": result.model_dump(mode="json", by_alias=True, exclude_none=True),
    }
    return scrub(json.dumps(given, ensure_ascii=False), credential).encode()


def kept(data: bytes, host: str, context: ToolContext) -> AppView:
    """The data as a file of the conversation."""
    return AppView(file_id=context.keep("app.json", "application/json", data, untrusted=True).id, host=host)
