"""The replies of a model that cannot write any, put together from the GPT's own texts in the person's language."""

from typing import Final

from gpts.knowledge.citations import Similarity
from gpts.runs.fixed_replies import decline, fixed_reply, with_starters
from gpts.runs.state import TurnState
from gpts.runs.steps import MessageIntent
from workers.smallmodel.conversation.intents import Reading, is_remark, likely_meant, meant_files, read_message
from workers.smallmodel.conversation.outlines import is_listing

# Files that a reply names.
_LISTED: Final = 5


def message_intent(state: TurnState, similarity: Similarity) -> MessageIntent:
    """What the new message of `state` asks for, with the reply if it asks for no facts.

    What may be meant for the GPT itself gets a reply only if the files say nothing on it.
    """
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
    match likely_meant(state.question(), reading.lang, similarity):
        case "about_gpt":
            lead = fixed_reply(reading.lang, "unsure")
            return MessageIntent(intent="about_gpt", note=_about(reading, state), lead=lead)
        case "small_talk":
            return _likely_talk(reading, state)
        case "whole_files" if state.spec.knowledge:
            return _whole_files(reading, state)
    if is_remark(reading, state.question(), after_talk=_was_talk(state)):
        return _likely_talk(reading, state)
    if state.spec.knowledge:
        note = decline(reading.lang, state.spec)
    else:
        note = with_starters(fixed_reply(reading.lang, "cannot_answer"), reading.lang, state.spec.starters)
    return MessageIntent(intent="question", note=note, lead=fixed_reply(reading.lang, "unsure"))


def _whole_files(reading: Reading, state: TurnState) -> MessageIntent:
    meant = meant_files(state.question(), state.spec.knowledge)
    names = ", ".join(ref.name for ref in state.spec.knowledge if ref.file_id in meant)
    note, lead = ("cannot_list", "listing") if is_listing(state.question()) else ("cannot_summarize", "outline")
    unable = fixed_reply(reading.lang, note)
    return MessageIntent(
        intent="whole_files",
        note=unable,
        lead=f"{unable} {fixed_reply(reading.lang, lead).format(files=names)}",
        query=state.question(),
        file_ids=meant,
    )


def _likely_talk(reading: Reading, state: TurnState) -> MessageIntent:
    lead = fixed_reply(reading.lang, "unsure")
    return MessageIntent(intent="small_talk", note=_small_talk(reading, state), lead=lead)


def _was_talk(state: TurnState) -> bool:
    """Whether the message before this one was small talk, or about the GPT."""
    before = state.history[-1] if state.history else ()
    return any(isinstance(step, MessageIntent) and step.intent in ("small_talk", "about_gpt") for step in before)


def _small_talk(reading: Reading, state: TurnState) -> str:
    kind = reading.talk.kind if reading.talk else "acknowledgement"
    help_text = fixed_reply(reading.lang, "help")
    text = fixed_reply(reading.lang, kind).format(name=state.spec.name, help=help_text)
    is_first = kind == "greeting" and not state.history
    return with_starters(text, reading.lang, state.spec.starters) if is_first else text


def _about(reading: Reading, state: TurnState) -> str:
    description = state.spec.description.strip()
    about = f": {description}" if description else "."
    lines = [fixed_reply(reading.lang, "about").format(name=state.spec.name, description=about)]
    if state.spec.knowledge:
        files = ", ".join(ref.name for ref in state.spec.knowledge[:_LISTED])
        lines.append(fixed_reply(reading.lang, "files").format(files=files))
    return with_starters("\n\n".join(lines), reading.lang, state.spec.starters)


def _rewrite(reading: Reading, state: TurnState) -> MessageIntent:
    """A text about a subject gets the passages on it; one that only changes the last answer, the note alone."""
    note = fixed_reply(reading.lang, "cannot_write")
    if not state.spec.knowledge:
        return MessageIntent(intent="rewrite", answer=note)
    if not reading.topic:
        return MessageIntent(intent="rewrite", answer=f"{note} {fixed_reply(reading.lang, 'ask_files')}")
    lead = f"{note} {fixed_reply(reading.lang, 'passages')}"
    return MessageIntent(intent="rewrite", note=note, lead=lead, query=" ".join(reading.topic))
