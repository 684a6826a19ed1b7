"""Agent Cards: fetched through the guard, bounded, and good for calls at their own origin only.

A card is a stranger's: it may be huge, nested, full of hidden letters, or send calls (and the creator's key) to a
host that the creator never saw. What is wrong with it is a ToolError that says so.
"""

import json
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from a2a.client.card_resolver import parse_agent_card
from a2a.types import AgentCard, AgentSkill, SecurityScheme
from a2a.utils.constants import TransportProtocol
from google.protobuf.json_format import ParseError

from gpts.safety.invisible_characters import strays
from gpts.spec.actions import NAME_CHARS, SUMMARY_CHARS, AuthHint, host_of
from gpts.spec.agents import CARD_CHARS, CARD_PATH, AgentFacts
from workers.egress import EgressConfig, EgressError, FetchLimits, fetch
from workers.egress.urls import target_of
from workers.tools import ToolError
from workers.tools.actions.answers import failure
from workers.tools.credentials import NOTHING, Credential, scrub, scrub_bytes

# Cards of public agents have 2 to 20 kB; a generous bound on what a stranger may send.
MAX_CARD_BYTES: Final = 500_000
MAX_SKILLS: Final = 30
MAX_EXAMPLES: Final = 12
EXAMPLE_CHARS: Final = 200
LIMITS: Final = FetchLimits(max_bytes=MAX_CARD_BYTES, timeout_s=20.0, same_host=True)
# The ways to call an agent that are spoken here; gRPC would need a connection past the guard.
BINDINGS: Final = (TransportProtocol.JSONRPC.value, TransportProtocol.HTTP_JSON.value)


def read_card(egress: EgressConfig, card_url: str, lent: Credential = NOTHING) -> AgentFacts:
    """What the card at `card_url` says of its agent. Raises ToolError."""
    card = fetch_card(egress, card_url, lent)
    skills = list(card.skills)[:MAX_SKILLS]
    itself = AgentSkill(name=card.name, description=card.description)  # agents of one skill often say all twice
    told = dict.fromkeys(_skill(each, lent) for each in skills)
    told.pop(_skill(itself, lent), None)
    lines = [_line(card.description, lent), *told]
    examples = [_line(text, lent, EXAMPLE_CHARS) for skill in skills for text in skill.examples]
    return AgentFacts(
        name=_line(card.name, lent, NAME_CHARS) or host_of(card_url),
        url=card.supported_interfaces[0].url,
        description="\n".join(filter(None, lines))[:CARD_CHARS],
        examples=tuple(dict.fromkeys(filter(None, examples)))[:MAX_EXAMPLES],
        auth=next(map(_hint, card.security_schemes.values()), AuthHint()),
    )


def fetch_card(
    egress: EgressConfig, card_url: str, lent: Credential, check: Callable[[], None] = lambda: None
) -> AgentCard:
    """The card, with those of its interfaces alone that can be called here. Raises ToolError."""
    address = card_url.strip()
    if urlsplit(address).path in ("", "/"):
        address = address.rstrip("/") + CARD_PATH
    headers = {"Accept": "application/json", **lent.headers}
    try:
        response = fetch(address, egress, headers=headers, limits=LIMITS, check=check)
    except EgressError as error:
        raise ToolError(f"The Agent Card could not be read: {scrub(str(error), lent)}") from None
    host = host_of(response.url)
    if response.status in (401, 403):
        raise ToolError(f"{host} shows its Agent Card only with a valid key (status {response.status}).")
    if response.status == 404:
        raise ToolError(f"{host} has no Agent Card at this address, or shows it only with a key (status 404).")
    if response.status >= 400:
        raise ToolError(f"The Agent Card could not be read: {failure(response, host, None)}")
    card = _parsed(scrub_bytes(response.content, lent), host)
    _keep_callable(card, response.url)
    return card


def _parsed(content: bytes, host: str) -> AgentCard:
    try:
        card = parse_agent_card(json.loads(content))
    except (ParseError, ValueError, TypeError, AttributeError, KeyError, RecursionError):
        raise ToolError(f"What {host} gives is no Agent Card of the A2A protocol.") from None
    if not card.supported_interfaces:
        raise ToolError(f"The Agent Card of {host} names no address to call.")
    return card


def _keep_callable(card: AgentCard, card_url: str) -> None:
    """Leave the card only interfaces that are spoken here and lie at its own origin. Raises ToolError without any."""
    spoken = [each for each in card.supported_interfaces if each.protocol_binding in BINDINGS]
    if not spoken:
        raise ToolError(f"{host_of(card_url)} is called by gRPC alone; JSON-RPC or HTTP+JSON is needed here.")
    home = target_of(card_url).origin
    near = [each for each in spoken if origin_of(each.url) == home]
    if not near:
        elsewhere = " and ".join(dict.fromkeys(_line(each.url, NOTHING, 120) for each in spoken[:3]))
        raise ToolError(
            f"The Agent Card of {host_of(card_url)} sends calls elsewhere, to {elsewhere}. Agents are called only at"
            " the address where their card lies; give the card's address there."
        )
    del card.supported_interfaces[:]
    card.supported_interfaces.extend(near)


def origin_of(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of `url`, None where it is no web address."""
    try:
        return target_of(url).origin
    except EgressError:
        return None


def _skill(skill: AgentSkill, lent: Credential) -> str:
    words = (_line(skill.name, lent, NAME_CHARS), _line(skill.description, lent))
    return ": ".join(filter(None, words))


def _line(text: str, lent: Credential, limit: int = SUMMARY_CHARS) -> str:
    """A text of the card as one line that a reader sees all of, without secrets."""
    hidden = set(strays(text))
    seen = "".join(letter for at, letter in enumerate(text) if at not in hidden)
    return scrub(" ".join(seen.split()), lent)[:limit]


def _hint(scheme: SecurityScheme) -> AuthHint:
    """How calls sign in, as the form takes it; what it cannot do is nothing."""
    if scheme.HasField("http_auth_security_scheme"):
        kind: Any = scheme.http_auth_security_scheme.scheme.lower()
        return AuthHint(kind=kind) if kind in ("bearer", "basic") else AuthHint()
    if scheme.HasField("api_key_security_scheme") and scheme.api_key_security_scheme.location == "header":
        return AuthHint(kind="header", header=scheme.api_key_security_scheme.name[:80])
    return AuthHint()
