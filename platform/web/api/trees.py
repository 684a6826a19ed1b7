"""A tree of runs as `/api` gives it."""

from typing import Any

from web.api.completions import Usage
from web.runs.asks import Ask
from web.runs.trees import Node, Tokens


def as_shape(node: Node) -> dict[str, Any]:
    """`node` and all below it, as `RunTree`."""
    run, gpt, label = node.run, node.gpt, node.label
    return {
        "id": run.id,
        "call_id": node.call_id or None,
        "gpt": gpt.slug,
        "name": gpt.name,
        "task": node.task,
        "status": node.status,
        "depth": run.depth,
        "joined": node.joined,
        "created": run.created,
        "ended": run.ended,
        "seconds": round(node.seconds, 3),
        "usage": _usage(node.tokens),
        "total_usage": _usage(node.total),
        "label": {"untrusted": label.is_untrusted, "written_by": label.written_by} if label else None,
        "answer": node.answer or None,
        "citations": node.citations,
        "error": node.error or None,
        "approvals": node.pending,
        "others": [_asking(ask) for ask in node.others],
        "children": [as_shape(child) for child in node.children],
    }


def _usage(tokens: Tokens) -> Usage:
    return Usage(prompt_tokens=tokens.prompt, completion_tokens=tokens.completion, total_tokens=tokens.both)


def _asking(ask: Ask) -> dict[str, Any]:
    told = {"call_id": ask.call_id, "name": ask.name, "task": ask.task}
    return {**told, "host": ask.host or None, "error": ask.why_not or None}
