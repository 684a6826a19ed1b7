"""The tools that workers can run, by name. TOOLS is the only registry: one line a tool."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from gpts.tools import ToolSpec


class ToolError(Exception):
    """The call failed; the message is the result that the model reads."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool's description and the function that performs a call with its arguments and returns text."""

    spec: ToolSpec
    run: Callable[[dict[str, Any]], str]


TOOLS: Final[dict[str, Tool]] = {}


def granted(capabilities: tuple[str, ...]) -> dict[str, ToolSpec]:
    """The specs of the tools that a GPT with these capabilities may call, by name."""
    return {name: TOOLS[name].spec for name in capabilities if name in TOOLS}
