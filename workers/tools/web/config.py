"""What browsing is told: who searches, and what may be reached."""

from dataclasses import dataclass, field

from workers.egress import EgressConfig


@dataclass(frozen=True, slots=True)
class WebConfig:
    """`provider` is a key of PROVIDERS, empty without a search.

    `search_url` is the SearXNG server, or another address than the provider's own; its host may be private and is
    allowed for searches only.
    """

    provider: str = ""
    search_url: str = ""
    search_key: str = ""
    egress: EgressConfig = field(default_factory=EgressConfig)
