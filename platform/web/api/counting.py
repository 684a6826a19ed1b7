"""How long a prompt would be, by the tokenizer of the model that answers, in OpenAI's and Anthropic's formats."""

from typing import Final, Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema
from pydantic import Field

from gpts.runs.background import Background
from gpts.runs.overrides import Overrides
from gpts.runs.steps import UserMessage
from web import rpc
from web.accounts.models import User
from web.api import response_store
from web.api.anthropic_requests import MessagesRequest
from web.api.anthropic_tools import check_server_tools
from web.api.auth import caller
from web.api.errors import AnthropicErrorBody, ApiError, OpenAiErrorBody
from web.api.messages import ProgramMessage
from web.api.program_runs import access_model, check_length
from web.api.response_request import ResponseRequest
from web.builder.models import Gpt

router = Router()
TASK: Final = "workers.tasks.count_tokens"
# The model may have to be loaded first.
TIMEOUT_S: Final = 30.0
NO_FILES: Final = "Files and pictures can’t be counted before they are read. Leave them out."
# Files that are counted as they are, by their endings.
TEXTS: Final = (".txt", ".md")
STATUSES: Final = (400, 401, 403, 404, 413, 429, 500, 503)
COUNTED: Final = (
    "Counts the GPT's instructions and tools, files that are always part of its prompt, and what you send, by the"
    " model's own tokenizer. Passages that the GPT finds, and results of its tools, come on top."
)


class CountedMessages(MessagesRequest):
    """A request for a message, or what of it is to be counted."""

    max_tokens: int = Field(1, ge=1, le=10_000_000)


class MessagesCount(Schema):
    """The length of the prompt."""

    input_tokens: int


class ResponseCount(MessagesCount):
    """The length of the prompt."""

    object: Literal["response.input_tokens"] = "response.input_tokens"


@router.post(
    "/messages/count_tokens",
    response={200: MessagesCount, **dict.fromkeys(STATUSES, AnthropicErrorBody)},
    summary="Count tokens (Anthropic’s Messages)",
    description=COUNTED,
)
def count_message_tokens(request: HttpRequest, body: CountedMessages) -> MessagesCount:
    """The tokens that the request would take."""
    user, completion = caller(request), body.as_completion()
    gpt, message = access_model(user, completion.model), completion.message()
    check_length(message, gpt)
    assert gpt.published
    check_server_tools(body.server_tools, gpt.published.spec())
    return MessagesCount(input_tokens=_counted(user, gpt, message, completion.overrides()))


@router.post(
    "/responses/input_tokens",
    response={200: ResponseCount, **dict.fromkeys(STATUSES, OpenAiErrorBody)},
    summary="Count the tokens of a response’s input",
    description=COUNTED,
)
def count_response_tokens(request: HttpRequest, body: ResponseRequest) -> ResponseCount:
    """The tokens that the request would take, with all earlier turns."""
    body.check()
    user = caller(request)
    turn = response_store.read_turn(user, body, goes_on=False)
    assert turn.gpt.published
    overrides = body.overrides(turn.gpt.published.spec())
    return ResponseCount(input_tokens=_counted(user, turn.gpt, turn.message, overrides))


def _counted(user: User, gpt: Gpt, message: ProgramMessage, overrides: Overrides) -> int:
    """The length of the prompt in tokens. Raises ApiError."""
    texts = [file.data.decode(errors="replace") for file in message.files if file.name.endswith(TEXTS)]
    if len(texts) < len(message.files):
        raise ApiError(400, NO_FILES, "messages", "unsupported_value")
    first = UserMessage(
        text="\n\n".join((*texts, message.text)),
        earlier=tuple(message.earlier),
        later=tuple(message.later),
        overrides=overrides,
        is_side_task=message.is_side_task,
        background=Background(today=timezone.localdate()),
    )
    try:
        found = rpc.call_for(user.pk, TASK, str(gpt.id), first.model_dump_json(), queue="model", timeout_s=TIMEOUT_S)
    except rpc.NoResult as error:
        raise ApiError(503, str(error), code="unavailable") from error
    if "refused" in found:
        raise ApiError(503, found["refused"], code="unavailable")
    return int(found["n_tokens"])
