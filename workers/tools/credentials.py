"""The secret of a call: lent by whoever runs the workers, attached at the last moment, scrubbed from what comes back.

Where secrets are kept is not known here: whoever makes the settings of the tools gives the function that lends them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from gpts.safety import scrubbing

HIDDEN: Final = "[secret]"


@dataclass(frozen=True, slots=True)
class Credential:
    """Headers that sign a request in, and the texts in them that nobody may see."""

    headers: dict[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


NOTHING: Final = Credential()
# (id of the action, MCP server or agent, id of the person, host of the request) -> what signs the request in.
# Raises ToolError: the secret is missing, meant for another host, or the action is gone; SignInNeeded.
Lend = Callable[[str, int, str], Credential]


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
