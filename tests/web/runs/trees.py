"""Trees of runs as workers would leave them, written straight into rows and logs."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from gpts.runs.steps import (
    ApprovalRequest,
    Delegation,
    Delegator,
    Finished,
    ModelReply,
    ToolCall,
    ToolResult,
    UserMessage,
)
from gpts.safety.labels import Label
from tests.publishing import publish
from web.accounts.models import User
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.builder.services import create_gpt
from web.runs import log
from web.runs.models import Conversation, DelegationRow, Message, Run, StepRow

REFUSED = "Tax Clerk may not ask further GPTs here: at most 3 stand behind one another."


def published(owner: User, name: str, **fields: object) -> Gpt:
    """A GPT of `owner` in the store."""
    gpt = create_gpt(owner, {"name": name, "instructions": "Help.", **fields})
    publish(gpt, Sharing.STORE)
    gpt.refresh_from_db()
    return gpt


def tool_of(gpt: Gpt) -> str:
    """The name of the tool that asks `gpt`."""
    return "ask_" + gpt.slug.replace("-", "_")


def call_of(gpt: Gpt, call_id: str, task: str) -> ToolCall:
    """The call that gives `gpt` a task."""
    return ToolCall(call_id=call_id, name=tool_of(gpt), arguments={"task": task})


def replied(*calls: ToolCall, text: str = "", read: int = 100, wrote: int = 10) -> ModelReply:
    """A reply of the model that makes `calls`."""
    finish = "tool_calls" if calls else "stop"
    return ModelReply(text=text, tool_calls=calls, prompt_tokens=read, completion_tokens=wrote, finish=finish)


def delegation_chain(parent: Run) -> tuple[Delegator, ...]:
    """Those who ask when `parent` asks."""
    first = log.read(parent.id)[0]
    assert isinstance(first, UserMessage)
    gpt = parent.message.conversation.gpt
    return (*first.delegated_by, Delegator(slug=gpt.slug, name=gpt.live.name))


def ask(parent: Run, gpt: Gpt, task: str, call_id: str = "call_0") -> Run:
    """The queued run of `gpt` that answers the call `call_id` of `parent`, whose reply must be in the log already."""
    hidden = Conversation.objects.create(
        gpt=gpt, version=gpt.published, owner=parent.owner, origin=Conversation.Origin.DELEGATION, parent_run=parent
    )
    child = Run.objects.create(
        message=Message.objects.create(conversation=hidden, text=task),
        version=gpt.published,
        owner=parent.owner,
        root_id=parent.root_id or parent.id,
        depth=parent.depth + 1,
    )
    log.append(child.id, UserMessage(text=task, delegated_by=delegation_chain(parent), own_words=False))
    _delegate(parent, child, task, call_id)
    return child


def join(parent: Run, child: Run, call_id: str = "call_0") -> None:
    """Let the run `child`, which another asked for, answer the call `call_id` of `parent` too."""
    _delegate(parent, child, child.message.text, call_id, joined=True)


def _delegate(parent: Run, child: Run, task: str, call_id: str, joined: bool = False) -> None:
    DelegationRow.objects.create(parent=parent, call_id=call_id, child=child)
    gpt = child.message.conversation.gpt
    told = {"call_id": call_id, "run_id": str(child.id), "slug": gpt.slug, "name": gpt.live.name, "task": task}
    log.append(parent.id, Delegation(**told, joined=joined))


def end(child: Run, text: str = "Done.", label: Label | None = None, **fields: object) -> None:
    """End `child` with its answer, and give that to each call that waits for it."""
    log.append(child.id, replied(text=text, read=200, wrote=20))
    log.append(child.id, Finished(text=text, label=label or Label(), **fields))
    for row in DelegationRow.objects.filter(child=child):
        give(row.parent, row.call_id, child, text)


def give(parent: Run, call_id: str, child: Run, text: str, **fields: object) -> None:
    """The result of a call that `child` answered."""
    gpt = child.message.conversation.gpt
    told = {"call_id": call_id, "name": tool_of(gpt), "text": text, "run_id": str(child.id), "seconds": 1.5}
    log.append(parent.id, ToolResult(**{**told, **fields}))


def refuse(parent: Run, gpt: Gpt, call_id: str, why: str = REFUSED) -> None:
    """The result of a call that no run answers."""
    log.append(parent.id, ToolResult(call_id=call_id, name=tool_of(gpt), text=why, ok=False))


def request(call_id: str = "w1", **fields: object) -> ApprovalRequest:
    """A request for permission, as it stands in the log of the run that asks."""
    return ApprovalRequest(call_id=call_id, name="create_ticket", digest="d" * 64, title="Create ticket", **fields)


def waits(run: Run, call_id: str = "w1", **fields: object) -> None:
    """Let `run` make a call that a person must allow."""
    calls(run, ToolCall(call_id=call_id, name="create_ticket", arguments={"title": "Leak"}))
    log.append(run.id, request(call_id, **fields))
    run.refresh_from_db()


def calls(run: Run, *made: ToolCall) -> None:
    """Let the model of `run` reply with these calls."""
    log.append(run.id, replied(*made))


def moved(run: Run, start: datetime, begin_s: float, seconds: float | None) -> None:
    """Let `run` have begun `begin_s` after `start` and taken `seconds`; None: it is not over."""
    begun = start + timedelta(seconds=begin_s)
    ended = None if seconds is None else begun + timedelta(seconds=seconds)
    Run.objects.filter(id=run.id).update(created=begun, ended=ended)
    StepRow.objects.filter(run=run).update(created=begun)
    run.refresh_from_db()


@dataclass
class Tree:
    """Bob's tree of eight runs, four GPTs deep: the runs by the names of their GPTs."""

    desk: Run
    tax: Run
    fees: Run
    law: Run
    old_law: Run
    scribe: Run
    tax_again: Run
    plants: Run

    def ids(self) -> set[UUID]:
        """The ids of all eight."""
        return {run.id for run in vars(self).values()}


FILE_LABEL = Label(integrity=0, written_by=("the file prices.pdf", "the page fees.example"))


def grown(desk: Run, alice: User, done: bool = True) -> Tree:
    """Let Bob's queued run `desk` ask others, who ask others. Unless `done`, the deepest run waits for Bob's word.

    Front Desk asks Tax Clerk, Plant Desk and, once more, Tax Clerk; Tax Clerk asks Fee Clerk and Law Reader, and is
    refused once; Fee Clerk joins what Law Reader was asked; Law Reader asks Old Law Reader, that asks Scribe.
    """
    names = ("Tax Clerk", "Fee Clerk", "Law Reader", "Old Law Reader", "Scribe of Statutes", "Plant Desk")
    tax, fees, law, old_law, scribe, plants = (published(alice, name) for name in names)
    calls(desk, call_of(tax, "a", "What is due?"), call_of(plants, "b", "May I?"), call_of(tax, "c", "By when?"))
    tax_run, plants_run = ask(desk, tax, "What is due?", "a"), ask(desk, plants, "May I?", "b")
    tax_again = ask(desk, tax, "By when?", "c")
    calls(tax_run, call_of(law, "a", "Which law?"), call_of(fees, "b", "Which fee?"), call_of(plants, "c", "Why?"))
    law_run, fees_run = ask(tax_run, law, "Which law?", "a"), ask(tax_run, fees, "Which fee?", "b")
    refuse(tax_run, plants, "c")
    calls(law_run, call_of(old_law, "a", "Which law was it before?"))
    old_run = ask(law_run, old_law, "Which law was it before?", "a")
    calls(fees_run, call_of(law, "a", "Which law?"))
    join(fees_run, law_run, "a")
    calls(old_run, call_of(scribe, "a", "Read § 9."))
    scribe_run = ask(old_run, scribe, "Read § 9.", "a")
    tree = Tree(desk, tax_run, fees_run, law_run, old_run, scribe_run, tax_again, plants_run)
    end(plants_run, "You may.")
    end(tax_again, "By May.", FILE_LABEL)
    if done:
        for run in (scribe_run, old_run, law_run, fees_run, tax_run):
            end(run, f"Answer of {run.message.conversation.gpt.name}.")
        end(desk, "Pay 12 by May.", FILE_LABEL)
    else:
        waits(scribe_run)
    for run in vars(tree).values():
        run.refresh_from_db()
    return tree
