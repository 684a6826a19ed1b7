"""The secret of a call: lent by whoever runs the workers, attached at the last moment, scrubbed from what comes back.

This room does not know where secrets are kept. A worker process registers a provider; without one no action that
signs in can be called.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from gpts.safety import scrubbing
from workers.tools import ToolError

HIDDEN: Final = "[secret]"


@dataclass(frozen=True, slots=True)
class Credential:
    """Headers that sign a request in, and the texts in them that nobody may see."""

    headers: dict[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


# (id of the action, MCP server or agent, id of the person, host of the request) -> what signs the request in.
# Raises ToolError: the secret is missing, meant for another host, or the action is gone; SignInNeeded.
Provider = Callable[[str, int, str], Credential]


def _none_here(owner_id: str, user_id: int, host: str) -> Credential:
    raise ToolError("This action signs in, but secrets cannot be had in this process.")


_providers: list[Provider] = [_none_here]


def set_provider(provider: Provider) -> None:
    """From now on ask `provider` for credentials."""
    _providers[:] = [provider]


def credential(owner_id: str, user_id: int, host: str) -> Credential:
    """What signs a request to `host` in. Raises ToolError, SignInNeeded."""
    return _providers[0](owner_id, user_id, host)


def signed(headers: dict[str, str], lent: Credential) -> dict[str, str]:
    """`headers` with those of the credential in the place of any of the same name."""
    own = {name.lower() for name in lent.headers}
    return {name: value for name, value in headers.items() if name.lower() not in own} | lent.headers


def scrub(text: str, lent: Credential) -> str:
    """`text` without the secrets, however they are written."""
    return scrubbing.scrub(text, lent.secrets) if lent.secrets else text


def scrub_bytes(data: bytes, lent: Credential) -> bytes:
    """`data` without the secrets, for answers and files of any encoding."""
    return scrub(data.decode("latin-1"), lent).encode("latin-1") if lent.secrets else data
