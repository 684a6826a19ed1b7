"""The Agent Card of a GPT: the description in its published version, its URL and how calls authenticate."""

from typing import Final

from a2a.types import (
    AgentCapabilities,
    AgentCard,
    AgentInterface,
    AgentProvider,
    AgentSkill,
    HTTPAuthSecurityScheme,
    SecurityRequirement,
    SecurityScheme,
    StringList,
)
from a2a.utils.constants import PROTOCOL_VERSION_0_3, PROTOCOL_VERSION_1_0, TransportProtocol
from django.conf import settings
from django.urls import reverse

from gpts.spec.capabilities import CAPABILITIES
from gpts.spec.gpt import GptSpec
from web.builder.models import Gpt, GptVersion

KEY: Final = "key"  # the security scheme's name in the card
INPUT_MODES: Final = ("text/plain", "application/json", "application/octet-stream")
OUTPUT_MODES: Final = ("text/markdown", "application/octet-stream")


def card_of(gpt: Gpt, version: GptVersion) -> AgentCard:
    """The card of `gpt` for its published `version`. It leaves out the names of its files."""
    spec = version.spec()
    url = settings.SITE_URL + reverse("a2a", args=[gpt.slug])
    json_rpc, http_json = TransportProtocol.JSONRPC.value, TransportProtocol.HTTP_JSON.value
    interfaces = (
        (json_rpc, PROTOCOL_VERSION_1_0),
        (http_json, PROTOCOL_VERSION_1_0),
        (json_rpc, PROTOCOL_VERSION_0_3),
    )
    scheme = HTTPAuthSecurityScheme(scheme="bearer", description="An API key of this site (gh_…).")
    card = AgentCard(
        name=spec.name,
        description=spec.description or spec.name,
        version=str(version.number),
        provider=AgentProvider(organization=gpt.owner.shown_name, url=settings.SITE_URL),
        documentation_url=settings.SITE_URL + reverse("gpt", args=[gpt.slug]),
        capabilities=AgentCapabilities(streaming=True, push_notifications=False),
        supported_interfaces=[
            AgentInterface(url=url, protocol_binding=binding, protocol_version=version)
            for binding, version in interfaces
        ],
        security_requirements=[SecurityRequirement(schemes={KEY: StringList()})],
        default_input_modes=INPUT_MODES,
        default_output_modes=OUTPUT_MODES,
        skills=[_skill(gpt, spec)],
    )
    card.security_schemes[KEY].CopyFrom(SecurityScheme(http_auth_security_scheme=scheme))
    return card


def _skill(gpt: Gpt, spec: GptSpec) -> AgentSkill:
    """A GPT as one skill, with its starters as the examples."""
    capabilities = [CAPABILITIES[key].title.lower() for key in spec.capabilities if key in CAPABILITIES]
    return AgentSkill(
        id="chat",
        name=spec.name,
        description=spec.description or spec.name,
        tags=[gpt.category, *capabilities],
        examples=spec.starters,
    )
