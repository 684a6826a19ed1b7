"""What the tools of a process work with, as its operator set it; made once, in workers/configuration.py."""

from dataclasses import dataclass, field
from pathlib import Path

from workers.egress import EgressConfig
from workers.tools import ToolError
from workers.tools.credentials import NOTHING, Credential, Lend


def _none_here(owner_id: str, user_id: int, host: str) -> Credential:
    raise ToolError("This action signs in, but secrets cannot be had in this process.")


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """Who searches: `provider` is a key of PROVIDERS, empty without a search.

    `url` is the SearXNG server, or another address than the provider's own; its host may be private and is allowed
    for searches only.
    """

    provider: str = ""
    url: str = ""
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """What draws pictures: a local model directory in `model`, or an OpenAI-compatible endpoint at `url`.

    With `url`, `model` is the model's name there, and `key` is sent to it and to no other address. `steps` 0 and
    `guidance` None leave both to the local pipeline. `timeout_s` is what all pictures of one call may take.
    """

    model: str = ""
    url: str = ""
    key: str = field(default="", repr=False)
    steps: int = 0
    guidance: float | None = None
    timeout_s: float = 300.0

    @property
    def backend(self) -> str:
        """The name of the backend in `drawing.BACKENDS`; empty where nothing is set."""
        if self.url:
            return "openai"
        return "diffusers" if self.model else ""


@dataclass(frozen=True, slots=True)
class ToolSettings:
    """`egress` is what may be reached of addresses that others choose; by default the public internet only.

    `lend` gives the credentials of a call. `mcp_commands` are those that GPTs may start as MCP servers, each with its
    arguments in full. `sandbox` is the socket of the service that runs code.
    """

    egress: EgressConfig = field(default_factory=EgressConfig)
    lend: Lend = _none_here
    search: SearchSettings = SearchSettings()
    images: ImageSettings = ImageSettings()
    mcp_commands: tuple[tuple[str, ...], ...] = ()
    sandbox: Path = Path("sandbox.sock")

    def credential(self, auth: str, owner_id: str, user_id: int, host: str) -> Credential:
        """What signs a call in that is authenticated by `auth`. Raises ToolError, SignInNeeded."""
        return NOTHING if auth == "none" else self.lend(owner_id, user_id, host)
