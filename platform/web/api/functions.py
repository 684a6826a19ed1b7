"""The caller's functions and response format, as OpenAI's API defines them."""

import json
import re
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field

from gpts.runs.overrides import CallerTool
from gpts.runs.steps import ToolCall
from gpts.spec.json_schemas import fault_in
from gpts.values import Text
from web.api.errors import ApiError

MAX_FUNCTIONS: Final = 128
# Agents describe their tools at length (opencode: 4,628 characters); all of them together have a limit.
DESCRIPTION_CHARS: Final = 64_000
# All functions together, as JSON: a model reads all of them with each question.
MAX_FUNCTIONS_BYTES: Final = 256_000
MAX_SCHEMA_BYTES: Final = 64_000
NAME: Final = r"^[a-zA-Z0-9_-]{1,64}$"

FunctionName = Annotated[str, Field(pattern=NAME)]


class FunctionDefinition(BaseModel):
    """A function that the caller performs. `strict` is implied: arguments follow the schema as far as is possible."""

    name: FunctionName
    description: Annotated[Text, Field(max_length=DESCRIPTION_CHARS)] | None = None
    parameters: dict[str, Any] | None = Field(None, description="A JSON Schema of type object.")
    strict: bool | None = None


class FunctionTool(BaseModel):
    """A tool of the caller; only functions are supported."""

    type: Literal["function"]
    function: FunctionDefinition


class FunctionChoice(BaseModel):
    """The name of the function that must be called."""

    name: FunctionName


class NamedToolChoice(BaseModel):
    """That one function must be called."""

    type: Literal["function"]
    function: FunctionChoice


class TextFormat(BaseModel):
    """The answer is text."""

    type: Literal["text"]


class JsonObjectFormat(BaseModel):
    """The answer is any JSON object."""

    type: Literal["json_object"]


class JsonSchema(BaseModel):
    """The schema of an answer. `strict` is implied."""

    name: FunctionName
    description: Text | None = None
    schema_: dict[str, Any] | None = Field(None, alias="schema")
    strict: bool | None = None


class JsonSchemaFormat(BaseModel):
    """The answer is JSON that follows the schema."""

    type: Literal["json_schema"]
    json_schema: JsonSchema


WantedToolChoice = Literal["none", "auto", "required"] | NamedToolChoice
ResponseFormat = Annotated[TextFormat | JsonObjectFormat | JsonSchemaFormat, Field(discriminator="type")]


class FunctionCall(BaseModel):
    """A function's name, and its arguments as a JSON string."""

    name: FunctionName
    arguments: Text


class CallOfFunction(BaseModel):
    """A call for the caller to make, or one made earlier in the conversation."""

    id: Annotated[Text, Field(min_length=1, max_length=200)]
    type: Literal["function"] = "function"
    function: FunctionCall


class LegacyCall(BaseModel):
    """A call in the form before `tool_calls`."""

    name: FunctionName
    arguments: Text = ""


def caller_tools(tools: Sequence[FunctionTool] | None) -> tuple[CallerTool, ...]:
    """The caller's functions as the run stores them. Raises ApiError with the invalid field."""
    named: set[str] = set()
    for index, tool in enumerate(tools or ()):
        place = f"tools.{index}.function"
        if tool.function.name in named:
            raise _invalid(f"There are two functions named “{tool.function.name}”.", f"{place}.name")
        named.add(tool.function.name)
        check_parameters(tool.function.parameters, f"{place}.parameters")
    made = tuple(_caller_tool(tool.function) for tool in tools or ())
    if sum(len(tool.model_dump_json()) for tool in made) > MAX_FUNCTIONS_BYTES:
        raise _invalid(f"The functions are larger than {MAX_FUNCTIONS_BYTES // 1000} kB together.", "tools")
    return made


def _caller_tool(function: FunctionDefinition) -> CallerTool:
    facts = {"name": function.name, "description": function.description or ""}
    schema = {"parameters": {"type": "object", **function.parameters}} if function.parameters else {}
    return CallerTool(**facts, **schema)


def check_parameters(parameters: dict[str, Any] | None, place: str) -> None:
    """Raises ApiError unless `parameters` are a usable JSON Schema of type object, or nothing."""
    if not parameters:
        return
    if parameters.get("type", "object") != "object":
        raise _invalid("The parameters of a function must be a JSON Schema of type “object”.", f"{place}.type")
    _check_schema(parameters, place)


def _check_schema(schema: dict[str, Any], place: str) -> None:
    fault = fault_in(schema)
    if fault is None and len(json.dumps(schema)) > MAX_SCHEMA_BYTES:
        fault = "", f"is larger than {MAX_SCHEMA_BYTES // 1000} kB"
    if fault:
        where = f"{place}.{fault[0]}" if fault[0] else place
        raise _invalid(f"“{where}” {fault[1]}.", where)


def choice_of(choice: WantedToolChoice | None, tools: Sequence[CallerTool]) -> str:
    """auto, none, required or a function's name. Raises ApiError if there is no such function, or none at all."""
    if isinstance(choice, NamedToolChoice):
        name = choice.function.name
        if name not in {tool.name for tool in tools}:
            raise _invalid(f"“tools” has no function named “{name}”.", "tool_choice.function.name")
        return name
    if choice == "required" and not tools:
        raise _invalid("“tool_choice” requires a call, but there are no “tools”.", "tool_choice")
    return choice or "auto"


def answer_schema(wanted: ResponseFormat | None) -> dict[str, Any] | None:
    """The JSON Schema that the answer must follow; None for text. Raises ApiError with the invalid field."""
    if isinstance(wanted, JsonObjectFormat):
        return {"type": "object"}
    if not isinstance(wanted, JsonSchemaFormat):
        return None
    schema = wanted.json_schema.schema_
    if schema is None:
        return {"type": "object"}
    _check_schema(schema, "response_format.json_schema.schema")
    return schema


def made_calls(calls: Sequence[ToolCall], in_parallel: bool) -> Sequence[ToolCall]:
    """The calls that the caller gets: one at most unless `in_parallel`."""
    return calls if in_parallel else calls[:1]


def calls_for_caller(calls: Sequence[ToolCall], run_hex: str, in_parallel: bool) -> list[CallOfFunction]:
    """The calls for the caller to make, one at most unless `in_parallel`; their ids include the run's.

    Anthropic's clients take fewer characters in them than model servers use.
    """
    return [
        CallOfFunction(
            id=f"call_{run_hex[:12]}_{re.sub(r'[.:]', '-', call.call_id)}",
            function=FunctionCall(name=call.name, arguments=call.arguments_json),
        )
        for call in made_calls(calls, in_parallel)
    ]


def _invalid(message: str, param: str) -> ApiError:
    return ApiError(400, message, param, "invalid_value")
