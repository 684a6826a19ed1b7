"""The SDK's own client, at a live site, for Bob, who may chat with Alice's GPT."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from a2a.client import A2ACardResolver, Client, ClientConfig, ClientFactory
from a2a.helpers import new_message, new_text_part
from a2a.types import Message, Part, Role, SendMessageConfiguration, SendMessageRequest

from tests.publishing import let
from tests.web.api.conftest import key_of, live, meanwhile, worker
from web.builder.models import Gpt

__all__ = ["live", "meanwhile", "worker"]


@pytest.fixture
def gpt(gpt) -> Gpt:
    """Alice's GPT, which programs may call."""
    gpt.published = None
    gpt.versions.all().delete()
    let(gpt, a2a=True)
    return gpt


def asking(*parts: Part | str, at_once: bool = False, **fields: Any) -> SendMessageRequest:
    """A request that sends a message."""
    made = [new_text_part(part) if isinstance(part, str) else part for part in parts]
    message: Message = new_message(made, role=Role.ROLE_USER, **fields)
    return SendMessageRequest(message=message, configuration=SendMessageConfiguration(return_immediately=at_once))


class Caller:
    """Someone's program: talks to the GPT with the SDK's client and a key."""

    def __init__(self, url: str, key: str) -> None:
        self.url, self.key = url, key
        self.streaming, self.version, self.binding = True, "1.0", "JSONRPC"

    def run(self, talk: Callable[[Client], Awaitable[Any]]) -> Any:
        """What `talk` gives, which gets a client made from the GPT's card."""

        async def go() -> Any:
            headers = {"Authorization": f"Bearer {self.key}"}
            async with httpx.AsyncClient(headers=headers, timeout=30) as http:
                card = await A2ACardResolver(http, f"{self.url}/a2a/pump-doctor").get_agent_card()
                for interface in list(card.supported_interfaces):
                    interface.url = f"{self.url}/a2a/pump-doctor"  # the card has SITE_URL's port
                    if (interface.protocol_version, interface.protocol_binding) != (self.version, self.binding):
                        card.supported_interfaces.remove(interface)
                bindings = [self.binding]
                config = ClientConfig(self.streaming, httpx_client=http, supported_protocol_bindings=bindings)
                return await talk(ClientFactory(config).create(card))

        return asyncio.run(go())

    def send(self, request: SendMessageRequest) -> list[Any]:
        """Everything that comes back for a message."""

        async def talk(client: Client) -> list[Any]:
            return [event async for event in client.send_message(request)]

        return self.run(talk)


@pytest.fixture
def bobs(live, gpt, bob) -> Caller:
    """Bob's program."""
    return Caller(live, key_of(bob))
