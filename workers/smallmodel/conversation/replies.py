"""The replies of a model that cannot write any, put together from the GPT's own texts in the person's language."""

from typing import Final

from gpts.runs.state import TurnState
from gpts.runs.steps import MessageIntent
from workers.smallmodel.conversation.intents import Reading, is_remark, meant_files, read_message
from workers.smallmodel.conversation.outlines import is_listing
from workers.smallmodel.conversation.wording import reply

# Starters and files that a reply names.
_LISTED: Final = 5


def message_intent(state: TurnState) -> MessageIntent:
    """What the new message of `state` asks for, with the reply if it asks for no facts."""
    reading = read_message(state.question())
    match reading.intent:
        case "small_talk":
            return MessageIntent(intent="small_talk", answer=_small_talk(reading, state))
        case "about_gpt":
            return MessageIntent(intent="about_gpt", answer=_about(reading, state))
        case "rewrite":
            return _rewrite(reading, state)
        case "whole_files" if state.spec.knowledge:
            return _whole_files(reading, state)
    if is_remark(reading, state.question()):  # unless the files say something about it
        return MessageIntent(intent="small_talk", note=_small_talk(reading, state))
    declined = reply(reading.lang, "not_covered" if state.spec.knowledge else "cannot_answer")
    note = _with_starters(declined, reading.lang, state)
    return MessageIntent(intent="question", note=note, lead=reply(reading.lang, "unsure"))


def _whole_files(reading: Reading, state: TurnState) -> MessageIntent:
    meant = meant_files(state.question(), state.spec.knowledge)
    names = ", ".join(ref.name for ref in state.spec.knowledge if ref.file_id in meant)
    note, lead = ("cannot_list", "listing") if is_listing(state.question()) else ("cannot_summarize", "outline")
    unable = reply(reading.lang, note)
    return MessageIntent(
        intent="whole_files",
        note=unable,
        lead=f"{unable} {reply(reading.lang, lead).format(files=names)}",
        query=state.question(),
        file_ids=meant,
    )


def _small_talk(reading: Reading, state: TurnState) -> str:
    assert reading.talk is not None
    text = reply(reading.lang, reading.talk.kind).format(name=state.spec.name, help=reply(reading.lang, "help"))
    return (
        _with_starters(text, reading.lang, state) if reading.talk.kind == "greeting" and not state.history else text
    )


def _about(reading: Reading, state: TurnState) -> str:
    description = state.spec.description.strip()
    about = f": {description}" if description else "."
    lines = [reply(reading.lang, "about").format(name=state.spec.name, description=about)]
    if state.spec.knowledge:
        files = ", ".join(ref.name for ref in state.spec.knowledge[:_LISTED])
        lines.append(reply(reading.lang, "files").format(files=files))
    return _with_starters("\n\n".join(lines), reading.lang, state)


def _with_starters(text: str, lang: str, state: TurnState) -> str:
    starters = [f"- {starter}" for starter in state.spec.starters[:_LISTED]]
    return "\n".join([text, "", reply(lang, "try"), "", *starters]) if starters else text


def _rewrite(reading: Reading, state: TurnState) -> MessageIntent:
    """A text about a subject gets the passages on it; one that only changes the last answer, the note alone."""
    note = reply(reading.lang, "cannot_write")
    if not state.spec.knowledge:
        return MessageIntent(intent="rewrite", answer=note)
    if not reading.topic:
        return MessageIntent(intent="rewrite", answer=f"{note} {reply(reading.lang, 'ask_files')}")
    lead = f"{note} {reply(reading.lang, 'passages')}"
    return MessageIntent(intent="rewrite", note=note, lead=lead, query=" ".join(reading.topic))
