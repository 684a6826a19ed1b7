"""Pictures from words: the tool make_image, drawn by a local model or by an endpoint.

`configure` must be called with the settings before the tools are used; without it the tool says what to set.
"""

from typing import Any, Final, Literal

from workers.tools import Request, Tool
from workers.tools.images import drawing, making
from workers.tools.images.config import ImageConfig
from workers.tools.images.spec import spec_for

TOOLS: Final[dict[str, Tool]] = {}
_configured: list[ImageConfig] = [ImageConfig()]


def configure(config: ImageConfig) -> None:
    """Draw as `config` says from now on, in this process."""
    _configured[:] = [config]
    TOOLS["make_image"] = Tool(spec_for(config), lambda arguments, ctx: making.make(config, arguments, ctx), describe)


def picture(prompt: str, deadline_s: float = 120.0) -> bytes:
    """A small square picture of `prompt` as PNG, for no conversation. Raises ToolError."""
    return making.one(_configured[0], prompt, deadline_s)


def describe(arguments: dict[str, Any]) -> Request:
    """The call in words, for a person who is asked about it."""
    lines = [f"{name}: {value}" for name, value in arguments.items()]
    return Request(f"Make a picture: {str(arguments.get('prompt', ''))[:300]}", "\n".join(lines))


def unavailable() -> str:
    """Why no pictures can be made here, in one sentence that says what to set; empty if they can."""
    config = _configured[0]
    return drawing.unavailable(config) if config.backend else making.NOTHING_SET


def runs_on(name: str) -> Literal["tools", "model"]:
    """The queue whose workers perform the tool `name`."""
    return "model" if name in TOOLS and TOOLS[name].spec.gpu else "tools"


configure(ImageConfig())
