"""Credentials of calls: attached when the request is sent, and scrubbed from what comes back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from gpts.safety import scrubbing

HIDDEN: Final = "[secret]"


@dataclass(frozen=True, slots=True)
class Credential:
    """Headers that authenticate a request, and the secret texts in them."""

    headers: dict[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


NOTHING: Final = Credential()
# (id of the action, MCP server or agent; id of the user; host of the request; what an action calls) -> its
# credential. Raises SignInNeeded, and ToolError if the secret is missing or meant for another host or call, or the
# action was removed.
FindCredential = Callable[[str, int, str, str], Credential]


def signed(headers: dict[str, str], credential: Credential) -> dict[str, str]:
    """`headers`, with those of the credential replacing any of the same name."""
    own = {name.lower() for name in credential.headers}
    return {name: value for name, value in headers.items() if name.lower() not in own} | credential.headers


def scrub(text: str, credential: Credential) -> str:
    """`text` without the secrets, in any encoding that scrubbing.py knows."""
    return scrubbing.scrub(text, credential.secrets) if credential.secrets else text


def scrub_bytes(data: bytes, credential: Credential) -> bytes:
    """`data` without the secrets, whatever its encoding."""
    return scrub(data.decode("latin-1"), credential).encode("latin-1") if credential.secrets else data
