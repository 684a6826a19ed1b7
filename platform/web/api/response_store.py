"""Which responses there are, what each continues, and how one starts.

A response that continues the last one of a run's conversation becomes its next turn: sources, attached files and the
sandbox stay at hand. Any other continuation (a fork, another GPT, outputs of functions, a conversation with removed
items) starts a hidden conversation of its own with the items before it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from gpts.runs.steps import Finished, Log
from web.accounts.models import User
from web.api import history
from web.api.errors import ApiError
from web.api.functions import made_calls
from web.api.messages import NO_RESULT, ChatMessage, ProgramMessage, read_conversation
from web.api.models import ITEM_NAME, ProgramConversation, Response
from web.api.program_runs import access_model, check_length
from web.api.repeats import RepeatableRequest
from web.api.response_approvals import answers_before, check_answered
from web.api.response_input import InputItem, chat_messages, items_of
from web.api.response_items import output_of
from web.api.response_request import ResponseRequest, renamed
from web.api.response_tools import Namespace, ResponseFunction
from web.api.store_rows import files_of_stores
from web.builder.models import Gpt
from web.runs import deletion, log, services
from web.runs.files import within
from web.runs.models import Conversation, Run
from web.runs.services import Sent
from web.runs.trees import status_of_tree, waiting

Origin = Conversation.Origin
# Longer chains are cut: no model reads them.
MAX_CHAIN: Final = 1_000


def access_response(user: User, name: str, field: str | None = None) -> Response:
    """The stored response of `user` with this id. Raises ApiError."""
    found = re.fullmatch(r"resp_([0-9a-f]{32})", name)
    response = Response.objects.visible_to(user).filter(stored=True, id=UUID(found[1])).first() if found else None
    if response is None:
        code = "previous_response_not_found" if field else "not_found"
        raise ApiError(404, f"Response “{name[:80]}” not found.", field, code)
    return settled(response)


def access_conversation(user: User, name: str) -> ProgramConversation:
    """The conversation of `user` with this id. Raises ApiError."""
    found = re.fullmatch(r"conv_([0-9a-f]{32})", name)
    conversation = ProgramConversation.objects.filter(owner=user, id=UUID(found[1])).first() if found else None
    if conversation is None:
        raise ApiError(404, f"Conversation “{name[:80]}” not found.", None, "not_found")
    return conversation


def settled(response: Response) -> Response:
    """The response, which ends with the requests that its run waits for a person to answer, if it does."""
    run = response.run
    if response.until is None and status_of_tree(run) == Run.Status.REQUIRES_ACTION:
        asked = [[str(each.id), request.call_id, each.n_steps] for each, request in waiting(run)]
        n_steps = len(log.read(run.id))
        if asked and Response.objects.filter(id=response.id, until=None).update(until=n_steps, asked=asked):
            response.until, response.asked = n_steps, asked
    return response


@dataclass(frozen=True, slots=True)
class RequestedTurn:
    """What a request asks: which GPT, after which response, with which message.

    The first `n_before` messages of those that are sent along are of earlier responses; none are if the run becomes
    the next one of `thread`.
    """

    gpt: Gpt
    last: Response | None
    conversation: ProgramConversation | None
    thread: Conversation | None
    message: ProgramMessage
    n_before: int = 0


def read_turn(user: User, body: ResponseRequest, *, goes_on: bool = True) -> RequestedTurn:
    """What the request asks. Unless it `goes_on`, all earlier turns are in the message. Raises ApiError."""
    conversation = access_conversation(user, body.conversation_id) if body.conversation_id else None
    last = _last(user, body, conversation)
    slug = body.model or (last.run.message.conversation.gpt.slug if last else "")
    if not slug:
        raise ApiError(400, "Name a GPT in “model”.", "model", "missing_required_parameter")
    gpt = access_model(user, slug)
    check_answered(user, body.items)
    added = _added_since(conversation, last)
    given = [*added, *(_resolved(user, item) for item in body.items)]
    has_tools = any(isinstance(tool, ResponseFunction | Namespace) for tool in body.tools or ())
    with renamed():
        own = chat_messages(given)
        is_next = goes_on and last is not None and _continues(last, body, conversation, gpt, own)
        thread = last.run.message.conversation if last and is_next else None
        earlier = [] if thread else items_before(last, conversation)
        message = read_conversation(chat_messages([*earlier, *given]), has_tools)
        check_length(message, gpt)
    return RequestedTurn(gpt, last, conversation, thread, message, _n_messages([*earlier, *added]))


def _inputs(body: ResponseRequest, turn: RequestedTurn) -> dict[str, Any]:
    """The values of the GPT's inputs: those sent along, else those of the response before, if it was the GPT's."""
    before = turn.last.run.message.conversation if turn.last else None
    kept = before.inputs if before and before.gpt_id == turn.gpt.id else {}
    return kept if body.inputs is None else body.inputs


def _n_messages(items: Sequence[InputItem]) -> int:
    """How many messages these items are for the GPT, without results that were added to calls still open."""
    read = read_conversation([*chat_messages(items), ChatMessage(role="user", content="And then?")])
    n_added = sum(1 for _ in takewhile(lambda each: each.content == NO_RESULT, reversed(read.earlier)))
    return len(read.earlier) - n_added


def begin(user: User, body: ResponseRequest, turn: RequestedTurn, files: Sequence[UUID]) -> Run:
    """The queued run that answers the request. Raises ApiError, Refused."""
    if turn.last and turn.last.until is None and not turn.last.run.is_over:
        field = "conversation" if turn.conversation else "previous_response_id"
        raise ApiError(400, f"{turn.last.name} is still in progress: wait, or cancel it.", field, "in_progress")
    message = turn.message
    with transaction.atomic():  # a refused run leaves no conversation behind
        origin = _origin(body, turn.conversation)
        thread = turn.thread or services.start_conversation(user, turn.gpt, origin, inputs=_inputs(body, turn))
        replies = history.label_of_replies(user, turn.gpt, (*message.earlier, *message.later))
        overrides = body.overrides(thread.version.spec())
        attached = list(dict.fromkeys([*within(thread, files), *files_of_stores(thread, body.tools)]))
        sent = Sent(tuple(message.earlier), tuple(message.later), replies, overrides, message.is_side_task)
        run = services.start_run(thread, message.text, attached, sent=sent)
        Response.objects.create(
            owner=user,
            run=run,
            previous=None if turn.conversation else turn.last,
            conversation=turn.conversation,
            n_before=turn.n_before,
            stored=body.is_stored,
            request=body.echoed(),
        )
    return run


def _last(user: User, body: ResponseRequest, conversation: ProgramConversation | None) -> Response | None:
    """The response that the new one follows."""
    if body.previous_response_id:
        return access_response(user, body.previous_response_id, "previous_response_id")
    newest = Response.objects.visible_to(user).filter(conversation=conversation).last() if conversation else None
    return settled(newest) if newest else None


def _continues(
    last: Response, body: ResponseRequest, conversation: ProgramConversation | None, gpt: Gpt, own: list[ChatMessage]
) -> bool:
    """Whether the new response is the next turn of the conversation of the run of `last`."""
    thread = last.run.message.conversation
    is_same = thread.gpt_id == gpt.id and thread.origin == _origin(body, conversation)
    is_same &= last.conversation_id == (conversation.id if conversation else None)
    if conversation and conversation.changed and conversation.changed > last.created:
        return False
    calls = {call.id for message in own for call in message.tool_calls or ()}
    is_complete = bool(own) and all(each.tool_call_id in calls for each in own if each.role == "tool")
    ended = log.read(last.run_id)[-1]
    is_open = last.until is not None or not isinstance(ended, Finished) or bool(ended.tool_calls)
    newest = thread.messages.last()
    return is_same and is_complete and not is_open and newest == last.run.message


def _origin(body: ResponseRequest, conversation: ProgramConversation | None) -> Origin:
    if not body.is_stored:
        return Origin.API
    return Origin.KEPT if conversation else Origin.RESPONSE


def _added_since(conversation: ProgramConversation | None, last: Response | None) -> list[InputItem]:
    """The items that the program added to the conversation after its last response, which no run has read."""
    if conversation is None:
        return []
    items = conversation.items.filter(created__gt=last.created) if last else conversation.items.all()
    return [InputItem.model_validate(item.data) for item in items]


def items_before(last: Response | None, conversation: ProgramConversation | None = None) -> list[InputItem]:
    """The items of all responses up to `last`, oldest first; in a conversation, without those removed from it."""
    if last is None:
        return []
    if conversation is None:
        mine, chain = Response.objects.visible_to(last.owner), list[Response]()
        each: Response | None = last
        while each and len(chain) < MAX_CHAIN:
            chain.append(each)
            each = mine.filter(id=each.previous_id).first() if each.previous_id else None
        items = [item for response in reversed(chain) for item in (*input_of(response), *output(response))]
    else:
        items = [item for item in conversation_items(conversation) if item["created"] <= last.created]
    return [InputItem.model_validate(item) for item in items]


def conversation_items(conversation: ProgramConversation) -> list[dict[str, Any]]:
    """The items of the conversation, oldest first, each with an id and, as `created`, when it came."""
    added = [
        ({"id": f"{_prefix(item.data)}_{item.id.hex}", "status": "completed", **item.data}, item.created)
        for item in conversation.items.all()
    ]
    made = [
        (item, response.created)
        for response in Response.objects.visible_to(conversation.owner).filter(conversation=conversation)
        for item in (*input_of(response), *output(response))
    ]
    items = [
        {**item, "created": created} for item, created in (*added, *made) if item["id"] not in conversation.removed
    ]
    return sorted(items, key=lambda item: item["created"])


def _prefix(item: dict[str, Any]) -> str:
    return {"message": "msg", "reasoning": "rs", "function_call": "fc", "function_call_output": "fco"}.get(
        item["type"], "item"
    )


def input_of(response: Response) -> list[dict[str, Any]]:
    """The items of the request that the response answers: messages and outputs, or a person's answers."""
    items = answers_before(response) if response.since else items_of(log.first(response.run_id), response.n_before)
    done = {"status": "completed"}
    return [
        {"id": response.item_name(item["type"], number, "i"), **done, **item} for number, item in enumerate(items)
    ]


def output(response: Response) -> list[dict[str, Any]]:
    """The output items of the response as far as its run has come."""
    return output_of(response, log.read(response.run_id))


def _resolved(user: User, item: InputItem) -> InputItem:
    """The item that a reference means. Raises ApiError."""
    if item.kind != "item_reference":
        return item
    found = ITEM_NAME.fullmatch(item.id or "")
    stored = Response.objects.visible_to(user).filter(stored=True)
    response = stored.filter(id=UUID(found[1])).first() if found and found[3] else None
    items = (*input_of(response), *output(response)) if response else ()
    for each in items:
        if each["id"] == item.id:
            return InputItem.model_validate(each)
    raise ApiError(404, f"Item “{(item.id or '')[:80]}” not found.", "input", "not_found")


def keep(response: Response, steps: Log, items: Sequence[dict[str, Any]]) -> None:
    """Recognise the messages of the response when they come back, with the calls of the caller's functions."""
    answer = steps[-1]
    if response.until is not None or not isinstance(answer, Finished):
        return
    texts = [item["content"][0]["text"] for item in items if item["type"] == "message"] or [""]
    calls = made_calls(answer.tool_calls, response.request.get("parallel_tool_calls") is not False)
    for number, text in enumerate(texts):
        history.keep_reply(response.run, text, answer, calls if number == len(texts) - 1 else ())


def forget(response: Response, asked: RepeatableRequest) -> None:
    """Delete what must not be stored, once it is delivered and neither a person nor a repetition is awaited."""
    if not (response.stored or response.asked or asked.key):
        deletion.delete_conversation(response.run.message.conversation)


def delete(response: Response) -> None:
    """Delete the response, and its text unless it is a part of what other responses continue."""
    thread = response.run.message.conversation
    response.delete()
    if not Response.objects.filter(run__message__conversation=thread).exists():
        deletion.delete_conversation(thread)


def delete_conversation(conversation: ProgramConversation) -> None:
    """Delete the conversation with its items and responses, and stop their runs."""
    threads = Conversation.objects.filter(messages__runs__in=conversation.responses.values("run")).distinct()
    for thread in threads:
        deletion.delete_conversation(thread)
    conversation.delete()
