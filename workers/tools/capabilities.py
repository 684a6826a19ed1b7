"""The tools behind the capability switches, and why one cannot work here."""

from collections.abc import Callable
from importlib import import_module
from typing import Final, cast

from gpts.spec.capabilities import CAPABILITIES
from gpts.spec.gpt import GptSpec
from workers.tools import Tool

# Tool name -> "module", which defines TOOLS: dict[str, Tool] and unavailable() -> str (empty: it works here).
MODULES: Final[dict[str, str]] = {
    "code_interpreter": "workers.tools.code_interpreter",
    "make_image": "workers.tools.images",
    "open_page": "workers.tools.web",
    "web_search": "workers.tools.web",
}


def granted(spec: GptSpec) -> dict[str, Tool]:
    """The tools of the capabilities that are switched on."""
    names = [name for key in spec.capabilities if key in CAPABILITIES for name in CAPABILITIES[key].tools]
    return {name: _tools(name)[name] for name in names if name in MODULES}


def missing() -> dict[str, str]:
    """Why each capability cannot work on this machine, in a sentence for people; those that work are left out."""
    reasons = {}
    for key, capability in CAPABILITIES.items():
        modules = {MODULES[name] for name in capability.tools if name in MODULES}
        if why := next(filter(None, (_unavailable(module) for module in sorted(modules))), ""):
            reasons[key] = why
    return reasons


def _tools(name: str) -> dict[str, Tool]:
    return cast(dict[str, Tool], import_module(MODULES[name]).TOOLS)


def _unavailable(module: str) -> str:
    return cast(Callable[[], str], import_module(module).unavailable)()
