"""A chat to keep elsewhere: the branch that is shown, as Markdown, as data or as PDF; or all branches, as data."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from gpts.runs.steps import Finished, Log, UserMessage
from web import passing_files, rpc
from web.runs import log
from web.runs.branches import Branches
from web.runs.citations import where
from web.runs.copies import in_order
from web.runs.errors import Refused
from web.runs.model_facts import writer_of
from web.runs.models import Conversation, Run
from web.runs.sharing import answer_in

PDF_S: Final = 90.0


def as_data(conversation: Conversation) -> dict[str, Any]:
    """The chat with its messages, whose fields are those of OpenAI's chats; an answer names its sources."""
    messages = [message for run, steps in turns_of(conversation) for message in messages_of(run, steps)]
    return {**_facts(conversation), "messages": messages}


def as_tree(conversation: Conversation) -> dict[str, Any]:
    """The chat with the messages of all its branches: each names the one that it follows, and whether it is shown."""
    branches = Branches(conversation)
    shown, nodes = set(branches.up_to(branches.shown)), dict[str, dict[str, Any]]()
    for run in in_order(branches.runs):
        asked, answer = messages_of(run, log.read(run.id))
        message, is_shown = str(run.message_id), run.id in shown
        after = str(run.message.after_id) if run.message.after_id else None
        node = nodes.setdefault(message, {"id": message, "after": after, "shown": False, **asked})
        node["shown"] |= is_shown
        nodes[str(run.id)] = {"id": str(run.id), "after": message, "shown": is_shown, **answer}
    return {**_facts(conversation), **_delegation(conversation), "messages": list(nodes.values())}


def _delegation(conversation: Conversation) -> dict[str, Any]:
    """The chat and the answer of the GPT that handed this task over, for a chat that no list shows."""
    parent = conversation.parent_run
    return {"delegated_by": {"chat": str(parent.message.conversation_id), "answer": str(parent.id)}} if parent else {}


def _facts(conversation: Conversation) -> dict[str, Any]:
    return {
        "id": str(conversation.id),
        "title": conversation.title,
        "gpt": conversation.gpt.slug,
        "name": conversation.version.spec().name,
        "created": conversation.created.isoformat(),
    }


def turns_of(conversation: Conversation) -> Iterator[tuple[Run, Log]]:
    """Yield the runs of the branch that is shown, with their logs."""
    branches = Branches(conversation)
    for run in in_order(branches.up_to(branches.shown)):
        yield run, log.read(run.id)


def messages_of(run: Run, steps: Log) -> Iterator[dict[str, Any]]:
    """Yield the message and the answer of a run."""
    first, last = steps[0], steps[-1]
    assert isinstance(first, UserMessage)
    attached = [file.name for file in first.attachments]
    received = {"received": first.received} if first.received else {}
    asked = {"role": "user", "content": run.message.text, "created": run.message.created.isoformat()}
    yield {**asked, "files": attached, **received}
    cited = last.citations if isinstance(last, Finished) else ()
    sources = [
        {"index": each.tag, "file": each.file_name, "place": where(each), "quote": each.quote} for each in cited
    ]
    model = writer_of(steps)
    yield {
        "role": "assistant",
        "name": run.version.spec().name,
        **({"model": model} if model else {}),
        "content": answer_in(last),
        "created": (run.ended or run.created).isoformat(),
        "sources": sources,
    }


def speaker(message: Mapping[str, Any]) -> str:
    """Who wrote a message, with the model if that is known."""
    model = f" ({message['model']})" if "model" in message else ""
    return f"{message.get('name', 'You')}{model}"


def as_markdown(conversation: Conversation) -> str:
    """The chat as a document."""
    data = as_data(conversation)
    parts = [f"# {data['title']}", f"{data['name']}, {conversation.created:%Y-%m-%d}"]
    for message in data["messages"]:
        parts += [f"## {speaker(message)}", message["content"]]
        if received := message.get("received"):
            parts.append("\n".join(["Received by webhook:", "", *(f"    {line}" for line in received.splitlines())]))
        if files := message.get("files"):
            parts.append(f"Attached: {', '.join(files)}")
        named = {
            each["index"]: ", ".join(filter(None, (each["file"], each["place"])))
            for each in message.get("sources", ())
        }
        if named:
            parts.append("\n".join(["Sources:", "", *(f"{index}. {name}" for index, name in sorted(named.items()))]))
    return "\n\n".join(parts) + "\n"


def as_pdf(conversation: Conversation) -> bytes:
    """The chat as PDF, which a worker makes. Raises Refused with the reason if there is none, NoResult."""
    task, person = "workers.tasks.export_pdf", conversation.owner_id
    with passing_files.passing_file() as path:
        made = rpc.call_for(person, task, str(conversation.id), path.name, queue="tools", timeout_s=PDF_S)
        if refused := made.get("refused"):
            raise Refused(refused)
        return path.read_bytes()
