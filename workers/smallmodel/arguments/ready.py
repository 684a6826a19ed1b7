"""Arguments of calls, read from a message where that is certain, so that a weak model need not write them."""

from collections.abc import Sequence
from typing import Any

from gpts.spec.tools import ToolSpec
from workers.smallmodel.arguments.arithmetic import code_for
from workers.smallmodel.arguments.images import prompt_from, size_from
from workers.smallmodel.arguments.of_schemas import fill
from workers.smallmodel.arguments.totals import totals_code
from workers.smallmodel.arguments.web import query_from, url_in
from workers.smallmodel.memory import to_remember


def runs_code(tool: ToolSpec) -> bool:
    """Whether it is the built-in tool that runs code."""
    return bool(tool.builtin) and "code" in tool.parameters["properties"]


def ready_arguments(tool: ToolSpec, question: str, earlier: Sequence[str]) -> dict[str, Any] | None:
    """The arguments of a call of `tool` for `question`; None if the model must write them.

    `earlier` are the user's messages before it, oldest first.
    """
    match tool.parameters.get("required") if tool.builtin else None:
        case ["code"]:
            code = code_for(question) or totals_code(question)
            return {"code": code} if code else None
        case ["query"]:
            return {"query": query_from(question, earlier)}
        case ["url"]:
            url = url_in(question)
            return {"url": url} if url else None
        case ["prompt"]:
            size = size_from(question)
            return {"prompt": prompt_from(question)} | ({"size": size} if size else {})
        case ["text"]:
            return {"text": to_remember(question)[: tool.parameters["properties"]["text"]["maxLength"]]}
    return fill(tool.parameters, question, earlier)
