"""The response object: what a response has said so far, and what it repeats of its request."""

from typing import Any, Literal

from ninja import Schema

from gpts.runs.status import status_of
from gpts.runs.steps import Error, Finished, Log, UserMessage
from web.api.answers import Extras, RunAnswer, tokens_of
from web.api.models import Response
from web.runs.trees import tokens_in

ResponseStatus = Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]


class ResponseObject(Schema):
    """A response, with what it repeats of the request. `output` are items of OpenAI's kinds.

    Actions, MCP servers, remote agents and other GPTs that the GPT calls appear as `mcp_call`.
    """

    id: str
    object: Literal["response"] = "response"
    created_at: int
    completed_at: int | None
    status: ResponseStatus
    error: dict[str, Any] | None
    incomplete_details: dict[str, Any] | None
    model: str
    output: list[dict[str, Any]]
    usage: dict[str, Any] | None
    previous_response_id: str | None
    conversation: dict[str, str] | None
    instructions: str | None
    metadata: dict[str, str]
    tools: list[dict[str, Any]]
    tool_choice: str | dict[str, Any]
    parallel_tool_calls: bool
    text: dict[str, Any]
    reasoning: dict[str, Any]
    truncation: Literal["auto", "disabled"]
    temperature: float
    top_p: float
    max_output_tokens: int | None
    max_tool_calls: None = None
    background: bool
    store: bool
    service_tier: Literal["default"] = "default"
    presence_penalty: float = 0
    frequency_penalty: float = 0
    top_logprobs: int = 0
    user: str | None
    safety_identifier: str | None
    prompt_cache_key: str | None
    guildhall: Extras


def response_object(response: Response, steps: Log, output: list[dict[str, Any]]) -> ResponseObject:
    """The response as far as its run has come. Queries the tokens of child runs once it has ended."""
    first, run, asked = steps[0], response.run, response.request
    assert isinstance(first, UserMessage)
    sampling = first.overrides.applied_to(run.version.spec()).model
    last = steps[-1] if response.until is None else None
    status: ResponseStatus = "completed" if response.until is not None else _status(steps)
    is_over = status not in ("queued", "in_progress")
    answer = last if isinstance(last, Finished) else Finished(text="")
    return ResponseObject(
        id=response.name,
        created_at=int(response.created.timestamp()),
        completed_at=int(run.ended.timestamp()) if isinstance(last, Finished) and run.ended else None,
        status=status,
        error={"code": last.code or "server_error", "message": last.message} if isinstance(last, Error) else None,
        incomplete_details={"reason": "max_output_tokens"} if status == "incomplete" else None,
        model=run.message.conversation.gpt.slug,
        output=output,
        usage=_usage(response, steps) if is_over else None,
        previous_response_id=response.previous.name if response.previous else None,
        conversation={"id": f"conv_{response.conversation_id.hex}"} if response.conversation_id else None,
        instructions=asked.get("instructions"),
        metadata=asked.get("metadata", {}),
        tools=[_tool(tool) for tool in asked.get("tools", ())],
        tool_choice=asked.get("tool_choice", "auto"),
        parallel_tool_calls=asked.get("parallel_tool_calls", True),
        text={**asked.get("text", {}), "format": asked.get("text", {}).get("format", {"type": "text"})},
        reasoning={"effort": None, "summary": None, **asked.get("reasoning", {})},
        truncation=asked.get("truncation", "disabled"),
        top_logprobs=asked.get("top_logprobs", 0),
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        max_output_tokens=asked.get("max_output_tokens"),
        background=asked.get("background", False),
        store=response.stored,
        user=asked.get("user"),
        safety_identifier=asked.get("safety_identifier"),
        prompt_cache_key=asked.get("prompt_cache_key"),
        guildhall=RunAnswer(run, steps, answer).extras.model_copy(
            update={} if isinstance(last, Finished) else {"coverage": None, "label": None}
        ),
    )


def _status(steps: Log) -> ResponseStatus:
    status = status_of(steps)
    return "in_progress" if status == "requires_action" else status


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    """A tool as it was requested; a function with all fields that it has by default."""
    if tool["type"] == "namespace":
        return {"description": "", **tool, "tools": [*map(_tool, tool["tools"])]}
    if tool["type"] != "function":
        return tool
    return {"description": None, "parameters": None, **tool, "strict": True}


def _usage(response: Response, steps: Log) -> dict[str, Any]:
    """The tokens of the response; of the whole run and its child runs, if it is the whole run."""
    is_whole = not response.since and response.until is None
    tokens = tokens_of(response.run, steps) if is_whole else tokens_in(steps[response.since : response.until])
    return {
        "input_tokens": tokens.prompt,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": tokens.completion,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.both,
    }
