"""The official SDK's client, at a live site, for Bob, who may chat with Alice's GPT."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from tests.web.api.conftest import key_of, live, meanwhile, worker

__all__ = ["live", "meanwhile", "worker"]

MODERN, LEGACY = "2026-07-28", "legacy"
TOOL = "ask_pump-doctor"


class Program:
    """Someone's program, with a key."""

    def __init__(self, url: str, key: str, mode: str) -> None:
        self.url, self.key, self.mode = f"{url}/mcp", key, mode

    def run(self, talk: Callable[[Client], Awaitable[Any]], **options: Any) -> Any:
        """What `talk` gives, which gets a connected client with these options."""

        async def go() -> Any:
            headers = {"Authorization": f"Bearer {self.key}"}
            async with httpx2.AsyncClient(headers=headers, timeout=30) as http:
                transport = streamable_http_client(self.url, http_client=http)
                async with Client(transport, mode=self.mode, **options) as client:
                    try:
                        return await asyncio.wait_for(talk(client), 30)
                    except MCPError as error:  # which the client's task groups would wrap
                        return error

        given = asyncio.run(go())
        if isinstance(given, MCPError):
            raise given
        return given

    def ask(self, text: str = "Which seal?", *, progress: Any = None, more: Any = None, **options: Any) -> Any:
        """The result of the tool for a question."""
        arguments = {"question": text, **(more or {})}
        return self.run(lambda client: client.call_tool(TOOL, arguments, progress_callback=progress), **options)


@pytest.fixture(params=[MODERN, LEGACY])
def bobs(request, live, gpt, bob) -> Program:
    """Bob's program, of the current version of the protocol and of those with a handshake."""
    return Program(live, key_of(bob), request.param)
