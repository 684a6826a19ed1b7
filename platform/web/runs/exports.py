"""A chat to keep elsewhere: the branch that is shown, as Markdown or as data."""

from collections.abc import Iterator
from typing import Any

from gpts.runs.steps import Finished, Log, UserMessage
from web.runs import log
from web.runs.branches import Branches
from web.runs.citations import where
from web.runs.copies import in_order
from web.runs.models import Conversation, Run
from web.runs.sharing import answer_in


def as_data(conversation: Conversation) -> dict[str, Any]:
    """The chat with its messages, whose fields are those of OpenAI's chats; an answer names its sources."""
    branches = Branches(conversation)
    runs = in_order(branches.up_to(branches.shown))
    return {
        "id": str(conversation.id),
        "title": conversation.title,
        "gpt": conversation.gpt.slug,
        "name": conversation.version.spec().name,
        "created": conversation.created.isoformat(),
        "messages": [message for run in runs for message in _messages(run, log.read(run.id))],
    }


def _messages(run: Run, steps: Log) -> Iterator[dict[str, Any]]:
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
    yield {
        "role": "assistant",
        "name": run.version.spec().name,
        "content": answer_in(last),
        "created": (run.ended or run.created).isoformat(),
        "sources": sources,
    }


def as_markdown(conversation: Conversation) -> str:
    """The chat as a document."""
    data = as_data(conversation)
    parts = [f"# {data['title']}", f"{data['name']}, {conversation.created:%Y-%m-%d}"]
    for message in data["messages"]:
        parts += [f"## {message.get('name', 'You')}", message["content"]]
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
