"""The operator's settings for tools; made once per process, in workers/configuration.py."""

from dataclasses import dataclass, field
from pathlib import Path

from workers.egress import EgressConfig
from workers.tools import ToolError
from workers.tools.credentials import NOTHING, Credential, FindCredential


def _unavailable(owner_id: str, user_id: int, host: str, call: str = "") -> Credential:
    raise ToolError("This action requires a sign-in, which isn't available in this process.")


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """The search provider, a key of PROVIDERS; empty without web search.

    `url` is the SearXNG server, or replaces the provider's own URL. Its host may be private and is allowed for
    searches only.
    """

    provider: str = ""
    url: str = ""
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """The image model: a local directory in `model`, or an OpenAI-compatible endpoint at `url`.

    With `url`, `model` is the model's name there, and `key` is sent to no other address. `steps` 0 and `guidance`
    None are the pipeline's defaults. `timeout_s` is for all pictures of one call.
    """

    model: str = ""
    url: str = ""
    key: str = field(default="", repr=False)
    steps: int = 0
    guidance: float | None = None
    timeout_s: float = 300.0

    @property
    def backend(self) -> str:
        """What draws: "openai", "diffusers", or nothing ("")."""
        if self.url:
            return "openai"
        return "diffusers" if self.model else ""


@dataclass(frozen=True, slots=True)
class ToolSettings:
    """Settings of all tools. `egress` limits the addresses that others choose; by default to the public internet.

    `mcp_commands` are the commands that GPTs may start as MCP servers, each with all its arguments. `sandbox` is the
    socket of the service that runs code. `missing` are the built-in tools that the operator has not set up.
    """

    egress: EgressConfig = field(default_factory=EgressConfig)
    find_credential: FindCredential = _unavailable
    search: SearchSettings = SearchSettings()
    images: ImageSettings = ImageSettings()
    mcp_commands: tuple[tuple[str, ...], ...] = ()
    sandbox: Path = Path("sandbox.sock")
    missing: frozenset[str] = frozenset()

    def credential(self, auth: str, owner_id: str, user_id: int, host: str, call: str = "") -> Credential:
        """The credential of a call with the authentication `auth`. Raises ToolError, SignInNeeded."""
        return NOTHING if auth == "none" else self.find_credential(owner_id, user_id, host, call)
