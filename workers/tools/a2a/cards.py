"""Agent Cards: fetched through the guard, limited in size, and valid for calls to their own origin only.

A card is not trusted: it may be huge, deeply nested, full of invisible characters, or send calls (and the creator's
key) to a host that the creator never saw. An invalid card is a ToolError.
"""

import json
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from a2a.client.card_resolver import parse_agent_card
from a2a.types import AgentCard, AgentSkill, SecurityScheme
from a2a.utils.constants import TransportProtocol
from google.protobuf.json_format import ParseError

from gpts.egress.urls import target_of
from gpts.safety.invisible_characters import visible
from gpts.spec.actions import NAME_CHARS, SUMMARY_CHARS, AuthHint, host_of
from gpts.spec.agents import CARD_CHARS, CARD_PATH, AgentFacts
from workers.egress import EgressConfig, EgressError, FetchLimits, fetch
from workers.tools import ToolError
from workers.tools.actions.answers import failure
from workers.tools.credentials import NOTHING, Credential, scrub, scrub_bytes

# Generous: cards of public agents have 2 to 20 kB.
MAX_CARD_BYTES: Final = 500_000
MAX_SKILLS: Final = 30
MAX_EXAMPLES: Final = 12
EXAMPLE_CHARS: Final = 200
LIMITS: Final = FetchLimits(max_bytes=MAX_CARD_BYTES, timeout_s=20.0, same_host=True)
# The supported protocol bindings; gRPC would need connections that bypass the guard.
BINDINGS: Final = (TransportProtocol.JSONRPC.value, TransportProtocol.HTTP_JSON.value)


def read_card(egress: EgressConfig, card_url: str, credential: Credential = NOTHING) -> AgentFacts:
    """The facts about an agent in the card at `card_url`. Raises ToolError."""
    card = fetch_card(egress, card_url, credential)
    skills = list(card.skills)[:MAX_SKILLS]
    itself = AgentSkill(name=card.name, description=card.description)  # agents with one skill often repeat themselves
    described = dict.fromkeys(_skill(each, credential) for each in skills)
    described.pop(_skill(itself, credential), None)
    lines = [_line(card.description, credential), *described]
    examples = [_line(text, credential, EXAMPLE_CHARS) for skill in skills for text in skill.examples]
    return AgentFacts(
        name=_line(card.name, credential, NAME_CHARS) or host_of(card_url),
        url=card.supported_interfaces[0].url,
        description="\n".join(filter(None, lines))[:CARD_CHARS],
        examples=tuple(dict.fromkeys(filter(None, examples)))[:MAX_EXAMPLES],
        auth=next(map(_hint, card.security_schemes.values()), AuthHint()),
    )


def fetch_card(
    egress: EgressConfig, card_url: str, credential: Credential, check: Callable[[], None] = lambda: None
) -> AgentCard:
    """The card, reduced to the interfaces that can be called. Raises ToolError."""
    address = card_url.strip()
    if urlsplit(address).path in ("", "/"):
        address = address.rstrip("/") + CARD_PATH
    headers = {"Accept": "application/json", **credential.headers}
    try:
        response = fetch(address, egress, headers=headers, limits=LIMITS, check=check)
    except EgressError as error:
        raise ToolError(f"Couldn't fetch the Agent Card: {scrub(str(error), credential)}") from None
    host = host_of(address)
    if response.status in (401, 403):
        raise ToolError(f"{host} requires a valid key for its Agent Card (status {response.status}).")
    if response.status == 404:
        raise ToolError(f"{host} has no Agent Card at this URL, or requires a key for it (status 404).")
    if response.status >= 400:
        raise ToolError(f"Couldn't fetch the Agent Card: {failure(response, host, None)}")
    card = _parsed(scrub_bytes(response.content, credential), host)
    _keep_callable(card, response.url)
    return card


def _parsed(content: bytes, host: str) -> AgentCard:
    try:
        card = parse_agent_card(json.loads(content))
    except (ParseError, ValueError, TypeError, AttributeError, KeyError, RecursionError):
        raise ToolError(f"The response of {host} isn't an A2A Agent Card.") from None
    if not card.supported_interfaces:
        raise ToolError(f"The Agent Card of {host} has no URL to call.")
    return card


def _keep_callable(card: AgentCard, card_url: str) -> None:
    """Remove interfaces that are not supported or not on the card's own origin. Raises ToolError if none is left."""
    supported = [each for each in card.supported_interfaces if each.protocol_binding in BINDINGS]
    if not supported:
        raise ToolError(f"{host_of(card_url)} supports neither JSON-RPC nor HTTP+JSON, one of which is required.")
    home = target_of(card_url).origin
    callable_here = [each for each in supported if origin_of(each.url) == home]
    if not callable_here:
        elsewhere = " and ".join(dict.fromkeys(_line(each.url, NOTHING, 120) for each in supported[:3]))
        raise ToolError(
            f"The Agent Card of {host_of(card_url)} points to another host: {elsewhere}. Use the card's URL there:"
            " an agent and its card must have the same host.",
            written_by=f"the Agent Card of {host_of(card_url)}",
        )
    del card.supported_interfaces[:]
    card.supported_interfaces.extend(callable_here)


def origin_of(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of `url`; None if it is not a web address."""
    try:
        return target_of(url).origin
    except EgressError:
        return None


def _skill(skill: AgentSkill, credential: Credential) -> str:
    return ": ".join(filter(None, (_line(skill.name, credential, NAME_CHARS), _line(skill.description, credential))))


def _line(text: str, credential: Credential, limit: int = SUMMARY_CHARS) -> str:
    """A text of the card on one line, without invisible characters and secrets."""
    return scrub(" ".join(visible(text).split()), credential)[:limit]


def _hint(scheme: SecurityScheme) -> AuthHint:
    """The authentication as the form takes it; none if it is not supported."""
    if scheme.HasField("http_auth_security_scheme"):
        kind: Any = scheme.http_auth_security_scheme.scheme.lower()
        return AuthHint(kind=kind) if kind in ("bearer", "basic") else AuthHint()
    if scheme.HasField("api_key_security_scheme") and scheme.api_key_security_scheme.location == "header":
        return AuthHint(kind="header", header=scheme.api_key_security_scheme.name[:80])
    return AuthHint()
