"""What a caller is offered: GPTs as tools, and their starters as prompts."""

from collections.abc import Sequence
from typing import Any, Final

from django.http import Http404
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    ListToolsResult,
    PaginatedRequestParams,
    Prompt,
    PromptMessage,
    TextContent,
    Tool,
    ToolAnnotations,
)

from gpts.spec.gpt import GptSpec
from web.builder.access import access_published
from web.builder.models import Gpt
from web.mcp.answers import GptAnswer, GptQuestion
from web.mcp.callers import Caller, Context, caller_of
from web.runs.connections import in_database

PAGE_SIZE: Final = 100  # GPTs
PREFIX: Final = "ask_"
INPUT_SCHEMA: Final[dict[str, Any]] = GptQuestion.model_json_schema()
OUTPUT_SCHEMA: Final[dict[str, Any]] = GptAnswer.model_json_schema()


async def list_tools(context: Context, params: PaginatedRequestParams | None) -> ListToolsResult:
    """A page of the GPTs as tools."""
    gpts, following = await in_database(page_of, caller_of(context), params)
    return ListToolsResult(tools=[_tool(gpt) for gpt in gpts], next_cursor=following)


def page_of(caller: Caller, params: PaginatedRequestParams | None) -> tuple[Sequence[Gpt], str | None]:
    """The GPTs of a page, and the cursor of the next one. Raises MCPError for a cursor that is none of ours."""
    cursor = (params and params.cursor) or "0"
    if not cursor.isdecimal() or len(cursor) > 9:
        raise MCPError(INVALID_PARAMS, "Invalid cursor.")
    start = int(cursor)
    found = list(caller.gpts().select_related("owner", "published")[start : start + PAGE_SIZE + 1])
    return found[:PAGE_SIZE], str(start + PAGE_SIZE) if len(found) > PAGE_SIZE else None


def spec_of(gpt: Gpt) -> GptSpec:
    """The published version."""
    assert gpt.published is not None
    return gpt.published.spec()


def access_offered(caller: Caller, slug: str) -> Gpt:
    """The GPT with this slug among those that are offered. Raises Http404."""
    if caller.only and slug not in caller.only:
        raise Http404("GPT not found.")
    return access_published(caller.user, slug)


def _tool(gpt: Gpt) -> Tool:
    spec = spec_of(gpt)
    acts = spec.actions or spec.mcp_servers or spec.remote_agents or spec.delegates or spec.delegates_to_store
    return Tool(
        name=PREFIX + gpt.slug,
        title=spec.name,
        description=" ".join(
            filter(None, (f"Ask {spec.name}, a GPT by {gpt.owner.shown_name}.", spec.description, _inputs(spec)))
        ),
        input_schema=INPUT_SCHEMA,
        output_schema=OUTPUT_SCHEMA,
        # Only these can have effects outside of the chat, and a person approves them.
        annotations=ToolAnnotations(title=spec.name, read_only_hint=not acts, open_world_hint=bool(acts)),
    )


def _inputs(spec: GptSpec) -> str:
    each = (f"{field.name} ({field.label}{', required' if field.required else ''})" for field in spec.inputs)
    return f"Its inputs: {', '.join(each)}." if spec.inputs else ""


async def list_prompts(context: Context, params: PaginatedRequestParams | None) -> ListPromptsResult:
    """The starters of a page of the GPTs."""
    gpts, following = await in_database(page_of, caller_of(context), params)
    prompts = [
        Prompt(name=f"{gpt.slug}/{number}", title=starter, description=f"{spec.name}: {starter}")
        for gpt in gpts
        for spec in [spec_of(gpt)]
        for number, starter in enumerate(spec.starters, start=1)
    ]
    return ListPromptsResult(prompts=prompts, next_cursor=following)


async def get_prompt(context: Context, params: GetPromptRequestParams) -> GetPromptResult:
    """A starter as a message that has its GPT asked. Raises MCPError if there is none of that name."""
    slug, _, number = params.name.rpartition("/")
    try:
        starters = spec_of(await in_database(access_offered, caller_of(context), slug)).starters
        starter = dict(enumerate(starters, start=1))[int(number)]
    except (Http404, ValueError, KeyError):
        raise MCPError(INVALID_PARAMS, "Prompt not found.") from None
    text = f"Use the tool {PREFIX}{slug} for this: {starter}"
    return GetPromptResult(messages=[PromptMessage(role="user", content=TextContent(text=text))])
