"""The operations of a GPT's actions (OpenAPI documents) as tools."""

import json
from functools import partial

from gpts.spec.actions import CALL_TIMEOUT_S, ActionSpec, Operation, host_of, named_operations
from gpts.spec.gpt import GptSpec
from gpts.spec.tools import ToolSpec
from workers.tools import Tool
from workers.tools.actions.calling import call, describe
from workers.tools.settings import ToolSettings

__all__ = ["granted", "tool_spec"]


def granted(spec: GptSpec, settings: ToolSettings) -> dict[str, Tool]:
    """The operations of the GPT's actions, by tool name."""
    return {
        name: Tool(
            tool_spec(name, action, operation),
            partial(call, settings, action, operation),
            partial(describe, action, operation),
        )
        for name, (action, operation) in named_operations(spec.actions).items()
    }


def tool_spec(name: str, action: ActionSpec, operation: Operation) -> ToolSpec:
    """The operation's spec as a tool."""
    summary = operation.summary or operation.name.replace("_", " ")
    return ToolSpec(
        name=name,
        description=summary,
        parameters=operation.parameters,
        effect="read" if operation.reads_only else "write",
        title=summary,
        reach="host",
        host=host_of(action.base_url),
        operation=f"{operation.method} {action.base_url.rstrip('/')}{operation.path} {_written(operation)}",
        timeout_s=CALL_TIMEOUT_S,
        always_asks=operation.consequential is True,
    )


def _written(operation: Operation) -> str:
    """How the arguments are written into the request, as JSON."""
    fields = {"places", "wires", "whole_body", "content_type", "file_fields", "takes_files"}
    return json.dumps(operation.model_dump(mode="json", include=fields), sort_keys=True)
