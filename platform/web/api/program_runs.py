"""The runs that programs start over `/v1`, whatever the format: started, awaited, streamed, and how they ended.

A program keeps its conversation itself and sends it along, so each run has a hidden conversation of its own.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import Http404

from gpts.runs.overrides import Overrides
from gpts.runs.steps import Cancelled, Error, Finished, Log, ToolStarted
from web.accounts.models import User
from web.api import history
from web.api.content_files import attach, fetched
from web.api.errors import ApiError, Problem, problem_of
from web.api.messages import ProgramMessage
from web.api.repeats import RepeatableRequest
from web.builder.access import access_published
from web.builder.models import Gpt
from web.runs import log, services
from web.runs.connections import in_database
from web.runs.events import ApprovalNeeded, events, page_of
from web.runs.fair_queue import is_low
from web.runs.file_reading import until_read
from web.runs.files import within
from web.runs.model_facts import facts_of
from web.runs.models import Conversation, Run
from web.runs.services import Sent

# The most characters of any text that are one token of any model: indented code has up to eight.
MOST_CHARS_PER_TOKEN = 8
# Sent while nothing happens, so that no proxy or client takes the connection for dead.
KEEP_ALIVE = ": still here\n\n"
NOT_IN_BATCHES = "The run needed a person’s approval for a call, which a batch can’t wait for, and was stopped."


def access_model(user: User, slug: str) -> Gpt:
    """The published GPT that `user` may chat with. Raises ApiError as OpenAI's API does for an unknown model."""
    try:
        return access_published(user, slug)
    except Http404:
        text = f"Model “{slug[:80]}” not found, or you can’t use it."
        raise ApiError(404, text, "model", "model_not_found") from None


async def files_of(user: User, message: ProgramMessage) -> list[UUID]:
    """The ids of the message's files, once they are read. Raises ApiError, Refused, NoResult."""
    given = [await fetched(user, file) for file in message.files]
    ids = await in_database(attach, user, given) if given else []
    await until_read(ids)
    return ids


def start(
    user: User,
    model: str,
    message: ProgramMessage,
    overrides: Overrides,
    attachments: Sequence[UUID] = (),
    is_kept: bool = False,
    inputs: Mapping[str, Any] | None = None,
) -> Run:
    """The queued run of the GPT `model`, in a hidden conversation of its own. Raises ApiError, Refused.

    `attachments` are the ids of `files_of`. `is_kept`: for as long as a stored response. `inputs` are values of
    the GPT's inputs.
    """
    gpt = access_model(user, model)
    check_length(message, gpt)
    with transaction.atomic():  # a refused run leaves no copies of files behind
        origin = Conversation.Origin.RESPONSE if is_kept else Conversation.Origin.API
        conversation = services.start_conversation(user, gpt, origin, inputs=inputs)
        replies = history.label_of_replies(user, gpt, (*message.earlier, *message.later))
        sent = Sent(tuple(message.earlier), tuple(message.later), replies, overrides, message.is_side_task)
        return services.start_run(conversation, message.text, within(conversation, attachments), sent=sent)


def check_length(message: ProgramMessage, gpt: Gpt) -> None:
    """Refuse what cannot fit the model before it is stored; a worker knows the exact length. Raises ApiError."""
    facts = facts_of(gpt)
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if facts.context_tokens:
        most = min(most, facts.context_tokens * MOST_CHARS_PER_TOKEN)
    n_chars = len(message.text) + sum(len(each.content) for each in (*message.earlier, *message.later))
    if n_chars > most:
        raise too_long(facts.context_tokens, f"Your messages have {n_chars:,} characters. Shorten them.")


def too_long(context_tokens: int | None, text: str) -> ApiError:
    """The error for messages that do not fit the model, in the words that clients look for."""
    known = f"This model's maximum context length is {context_tokens} tokens. " if context_tokens else ""
    return ApiError(400, f"{known}{text}", "messages", "context_length_exceeded")


async def finished_steps(run: Run, asked: RepeatableRequest) -> Log:
    """The run's steps once it is over. Raises ApiError if it waits for a person; it then continues by itself."""
    try:
        async for _ in events(run.id):
            pass
    except ApprovalNeeded as needed:
        if is_low():  # a batch does not come back for the answer
            await in_database(services.cancel_run, run)
            raise ApiError(403, NOT_IN_BATCHES, code="approval_required") from needed
        await in_database(asked.came_to_wait, run)
        raise approval_required(run, needed) from needed
    except asyncio.CancelledError:  # the caller disconnected
        await asked.was_left(run)
        raise
    steps = await in_database(log.read, run.id)
    await in_database(asked.was_answered, run)
    return steps


async def streamed(
    run: Run, asked: RepeatableRequest, answer: AsyncIterator[str], failed: Callable[[Problem], str]
) -> AsyncGenerator[str]:
    """Yield the server-sent events of `answer`; in place of what cannot be sent any more, `failed` is the last.

    If the stream ends early, for any reason but an approval, the run is stopped. A run that the caller can come back
    for, with the request's key, goes on if the caller leaves.
    """
    over = False
    try:
        async for event in answer:
            yield event
        over = True
        await in_database(asked.was_answered, run)
    except ApprovalNeeded as needed:
        over = True
        await in_database(asked.came_to_wait, run)
        yield failed(approval_required(run, needed).problem)
    except Exception as error:  # noqa: BLE001 - the status is sent already, so the error goes into the stream
        # First, because a caller who disconnects on reading the error interrupts what follows.
        await in_database(services.cancel_run, run)
        over = True
        yield failed(problem_of(error))
    finally:
        if not over:
            await asked.was_left(run)


def sse(data: dict[str, Any]) -> str:
    """`data` as a server-sent event without a name."""
    return f"data: {json.dumps(data)}\n\n"


def approval_required(run: Run, needed: ApprovalNeeded) -> ApiError:
    """The error for a run that waits for a person, who approves a call or fills in a form."""
    wants = "asks a person to fill in a form" if needed.is_form else "needs a person's approval for a call"
    url = page_of(needed.run_id)
    text = (
        f"The run {needed.run_id} {wants}, which they {'do' if needed.is_form else 'give'} at {url}."
        f" Then send this request again for the answer, or read it at /api/runs/{run.id}."
    )
    details = {"run": str(run.id), "waiting_run": str(needed.run_id), "url": url}
    # Not 409, after which official clients send the request again by themselves (openai 2, `_should_retry`).
    return ApiError(403, text, code="approval_required", details=details)


def outcome(steps: Log, context_tokens: int | None = None) -> Finished:
    """The run's answer; if it was stopped, the text so far. Raises ApiError if it failed.

    `context_tokens` are the model's, for the error of a run that was too long for it.
    After a call with an effect, a client that sent the request again by itself would repeat the effect; a reply that
    was wrong twice would be so again.
    """
    match steps[-1]:
        case Finished() as answer:
            return answer
        case Cancelled(text=text):
            return Finished(text=text, finish="cancelled")
        case Error(message=message, code="context_length_exceeded"):
            raise too_long(context_tokens, message)
        case Error(message=message, code="invalid_schema"):
            raise ApiError(400, message, "response_format", "invalid_schema")
        case Error(message=message, code=code):
            acted = any(isinstance(step, ToolStarted) for step in steps)
            raise ApiError(500, message, code=code or "run_failed", is_final=acted or bool(code))
    raise ApiError(500, "The run ended without an answer.", code="run_failed")
