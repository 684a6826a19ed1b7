"""What tests of responses share: the official client, and events and items held against OpenAI's own types."""

from collections.abc import Iterable
from typing import Any, Final, get_args

from openai.types.responses import Response, ResponseItem, ResponseStreamEvent
from pydantic import BaseModel, ConfigDict, TypeAdapter

from gpts.runs.steps import ModelReply, ToolCall, ToolResult
from web.runs.models import Run

_UNION, *_ = get_args(ResponseStreamEvent)
EVENT_TYPES: Final[dict[str, type[BaseModel]]] = {
    get_args(kind.model_fields["type"].annotation)[0]: kind for kind in get_args(_UNION)
}
RESPONSE: Final = TypeAdapter(Response)
ITEM: Final = TypeAdapter(ResponseItem)
# ResponseResource in Open Responses' document, 2026-04-24.
REQUIRED: Final = (
    *("id", "object", "created_at", "completed_at", "status", "incomplete_details", "model", "previous_response_id"),
    *(
        "instructions",
        "output",
        "error",
        "tools",
        "tool_choice",
        "truncation",
        "parallel_tool_calls",
        "text",
        "top_p",
    ),
    *("presence_penalty", "frequency_penalty", "top_logprobs", "temperature", "reasoning", "user", "usage"),
    *("max_output_tokens", "max_tool_calls", "store", "background", "service_tier", "metadata", "safety_identifier"),
    *("prompt_cache_key",),
)


def checked(response: Response) -> Response:
    """The response, which has OpenAI's types and Open Responses' fields."""
    data = response.to_dict(mode="json")
    RESPONSE.validate_python(data)
    assert not set(REQUIRED) - set(data)
    for item in data["output"]:
        ITEM.validate_python(item)
    return response


def checked_events(events: Iterable[Any]) -> list[Any]:
    """The events, which have OpenAI's types and are numbered; items are added and done in order, one by one."""
    every = list(events)
    for event in every:
        EVENT_TYPES[event.type].model_validate(event.to_dict(mode="json"))
    numbers = [event.sequence_number for event in every]
    assert numbers == list(range(numbers[0], numbers[0] + len(every)))
    return every


def kinds(events: Iterable[Any]) -> list[str]:
    """The types of the events, those of one text's pieces once."""
    every = [event.type.removeprefix("response.") for event in events]
    return [kind for before, kind in zip(["", *every], every, strict=False) if before != kind]


def use(worker: Any, name: str, arguments: dict[str, Any], text: str, **result: Any) -> None:
    """Let the GPT call one of its tools and get this result."""
    call_id = f"call_{Run.objects.get(id=worker.run_id).n_steps}"
    call = ToolCall(call_id=call_id, name=name, arguments=arguments)
    worker._append(ModelReply(text="", tool_calls=(call,)))
    worker._append(ToolResult(call_id=call_id, name=name, text=text, **result))


class Strict(BaseModel):
    """An answer that a caller wants parsed."""

    model_config = ConfigDict(extra="forbid")

    city: str
    degrees: int
