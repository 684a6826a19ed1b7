"""A conversation for its page: the messages of a branch, each with the run that answers it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from gpts.runs.steps import Delegation, load_step
from web.accounts.models import User
from web.builder.models import Gpt
from web.chat.replies import Reply, ShownApp, Visitor, apps_of
from web.runs import log
from web.runs.branches import Branches, Versions
from web.runs.creator_questions import may_be_sent, taking_questions
from web.runs.models import Conversation, Message, Run, StepRow


@dataclass(frozen=True, slots=True)
class Turn:
    """A message and its reply. `versions` are those of the message."""

    message: Message
    reply: Reply
    versions: Versions


def turns(conversation: Conversation, branches: Branches, path: Sequence[UUID]) -> list[Turn]:
    """The turns of these runs, a part of one branch. Five queries for any number of turns."""
    related = ("version__gpt__owner", "message__creator_question", "feedback")
    runs = Run.objects.select_related(*related).in_bulk(path)
    logs: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for run_id, data in StepRow.objects.filter(run__in=path).order_by("run", "seq").values_list("run", "data"):
        logs[run_id].append(data)
    versions = {run.version_id: run.version for run in runs.values()}
    specs = {id: version.spec() for id, version in versions.items()}
    visitors = _visitors(conversation, (run.gpt for run in runs.values()))
    replies = []
    for run in (runs[id] for id in path):
        run.message.conversation = conversation
        steps = tuple(map(load_step, logs[run.id]))
        visitor, answers = visitors.get(run.gpt.id), branches.versions_of_answer(run.id)
        replies.append(Reply(run, steps, specs[run.version_id], visitor, answers))
    return [
        Turn(reply.run.message, reply, branches.versions_of_message(reply.run.id))
        for reply in _with_apps(_offering(replies, conversation.owner))
    ]


def turn_of(run: Run) -> Turn:
    """The turn of one run so far."""
    branches = Branches(run.message.conversation)
    return Turn(run.message, reply_of(run, branches), branches.versions_of_message(run.id))


def _offering(replies: Sequence[Reply], owner: User) -> list[Reply]:
    """`replies` to `owner`, with whether they may ask the creator."""
    declined = [reply.run.gpt for reply in replies if may_be_sent(reply.run, reply.steps)]
    taking = taking_questions(owner, declined)
    return [
        replace(reply, may_ask_creator=reply.run.gpt.id in taking and may_be_sent(reply.run, reply.steps))
        for reply in replies
    ]


def _with_apps(replies: Sequence[Reply]) -> list[Reply]:
    """`replies` with the apps of their child runs: at most one query."""
    delegating = [reply.run.id for reply in replies if any(isinstance(step, Delegation) for step in reply.steps)]
    below: dict[UUID | None, list[ShownApp]] = defaultdict(list)
    if delegating:
        rows = StepRow.objects.filter(run__root__in=delegating, kind="tool_result", data__app__host__isnull=False)
        for root_id, run_id, data in rows.order_by("id").values_list("run__root", "run", "data"):
            below[root_id] += apps_of(run_id, [load_step(data)])
    return [replace(reply, apps_below=tuple(below[reply.run.id])) for reply in replies]


def guest_of(conversation: Conversation) -> Visitor | None:
    """The GPT that answers until it is dismissed, if there is one."""
    guest = conversation.guest
    return _visitors(conversation, [guest]).get(guest.id) if guest else None


def _visitors(conversation: Conversation, answering: Iterable[Gpt]) -> dict[UUID, Visitor]:
    """Those of `answering` that are not the conversation's own GPT, by id. At most one query."""
    gpts = {gpt.id: gpt for gpt in answering if gpt.id != conversation.gpt_id}
    open_to = Gpt.objects.chattable_by(conversation.owner).filter(id__in=gpts)
    still_open = set(open_to.values_list("id", flat=True)) if gpts else set()
    return {id: Visitor(gpt, id in still_open) for id, gpt in gpts.items()}


def reply_of(run: Run, branches: Branches | None = None) -> Reply:
    """The reply of one run so far. `branches` are those of its conversation, if the caller has them already."""
    visitors = _visitors(run.message.conversation, [run.gpt])
    known = None if run.root_id else branches or Branches(run.message.conversation)
    answers = known.versions_of_answer(run.id) if known else None
    reply = Reply(run, log.read(run.id), run.version.spec(), visitors.get(run.gpt.id), answers)
    return _with_apps(_offering([reply], run.owner))[0]
