"""The capabilities that a creator switches on, and the tools that each grants."""

from dataclasses import dataclass
from typing import Final

from gpts.spec.builtin_tools import BUILTIN_TOOLS
from gpts.spec.gpt import GptSpec


@dataclass(frozen=True, slots=True)
class Capability:
    """A switch on the creator's form. `leaves_site`: its tools contact hosts run by third parties."""

    title: str
    help: str
    icon: str
    tools: tuple[str, ...]
    reads_files: bool
    leaves_site: bool
    offered: bool


def _capability(key: str) -> Capability:
    tools = [tool for tool in BUILTIN_TOOLS.values() if tool.capability.key == key]
    texts = tools[0].capability
    return Capability(
        title=texts.title,
        help=texts.help,
        icon=texts.icon,
        tools=tuple(tool.spec.name for tool in tools),
        reads_files=any(tool.capability.reads_files for tool in tools),
        leaves_site=any(tool.spec.reach in ("service", "address") for tool in tools),
        offered=texts.offered,
    )


_ALL: Final = {key: _capability(key) for key in dict.fromkeys(each.capability.key for each in BUILTIN_TOOLS.values())}
# Those that a creator can switch on.
CAPABILITIES: Final[dict[str, Capability]] = {key: each for key, each in _ALL.items() if each.offered}


def tools_of(spec: GptSpec) -> tuple[str, ...]:
    """The names of the built-in tools that the capabilities of `spec` grant."""
    return tuple(name for key in spec.capabilities if key in _ALL for name in _ALL[key].tools)


def file_openers(spec: GptSpec) -> tuple[str, ...]:
    """The titles of the GPT's capabilities and actions that open attached files themselves."""
    capabilities = (CAPABILITIES[key] for key in spec.capabilities if key in CAPABILITIES)
    titles = [each.title for each in capabilities if each.reads_files]
    for action in spec.actions:
        if any(operation.takes_files or operation.file_fields for operation in action.operations):
            titles.append(action.name)
    return tuple(titles)
