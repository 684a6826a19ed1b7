"""The built-in tools. Each has a folder with its description in tool.toml and its code in run.py.

A run.py defines `run(arguments, context, settings)` and `unavailable(settings)`, and may define
`placed(spec, settings)`, which sets the time limit and the kind of worker by the settings, and
`refusal(arguments, settings)`: see Tool.
"""

import re
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Any, Final

from gpts.spec.builtin_tools import BUILTIN_TOOLS, ApprovalTexts, BuiltinTool
from gpts.spec.capabilities import CAPABILITIES, tools_of
from gpts.spec.gpt import GptSpec
from workers.tools import Request, Tool, as_json, in_words, one_line
from workers.tools.settings import ToolSettings

_ARGUMENT: Final = re.compile(r"\{(\w+)\}")


def granted(spec: GptSpec, settings: ToolSettings) -> dict[str, Tool]:
    """The tools of the capabilities that are switched on, as far as the site has them."""
    names = (name for name in tools_of(spec) if name not in settings.missing)
    return {name: tool_of(BUILTIN_TOOLS[name], settings) for name in names}


def tool_of(declared: BuiltinTool, settings: ToolSettings) -> Tool:
    """The built-in tool with these settings."""
    module = _module(declared.spec.name)
    placed = getattr(module, "placed", lambda spec, settings: spec)
    refusal = getattr(module, "refusal", lambda arguments, settings: "")
    return Tool(
        placed(declared.spec, settings),
        lambda arguments, context: module.run(arguments, context, settings),
        partial(_described, declared.approval),
        lambda arguments: refusal(arguments, settings),
    )


def missing(settings: ToolSettings) -> dict[str, str]:
    """Why each unavailable capability cannot work on this machine, as messages for creators."""
    reasons = {}
    for key, capability in CAPABILITIES.items():
        if why := next(filter(None, (_module(name).unavailable(settings) for name in capability.tools)), ""):
            reasons[key] = why
    return reasons


def _module(name: str) -> Any:
    return import_module(f"workers.tools.{name}.run")


def _described(approval: ApprovalTexts, arguments: Mapping[str, Any]) -> Request:
    plain = _ARGUMENT.sub(lambda found: one_line(arguments.get(found[1], "")), approval.plain)
    raw = _ARGUMENT.sub(lambda found: str(arguments.get(found[1], "")), approval.raw)
    return Request(plain or in_words(dict(arguments)), raw or as_json(arguments))
