"""The replies of a model that cannot write any, put together from the GPT's own texts in the person's language."""

from dataclasses import replace
from typing import Final

from gpts.runs.fixed_replies import decline, fixed_reply, with_starters
from gpts.runs.intent import SUMMARY
from gpts.runs.state import TurnState, attachments, readable
from gpts.runs.steps import FileRef, Finished, MessageIntent
from workers.smallmodel.conversation.classifier import MessageClassifier
from workers.smallmodel.conversation.intents import (
    Reading,
    beside_names,
    called_files,
    means_all,
    named_files,
    read_message,
    said_before,
    subject,
    topic,
)
from workers.smallmodel.conversation.outlines import is_listing
from workers.smallmodel.memory import wish_of_memory

# From this probability small talk is answered without a look into the files.
ANSWERED_FROM: Final = 0.8
# Files that a reply names.
_LISTED: Final = 5


def message_intent(state: TurnState, classifier: MessageClassifier) -> MessageIntent:
    """What the new message of `state` asks for, with the reply if it asks for no facts.

    What may be a question after all gets that reply only if the files say nothing on it.
    """
    text = state.question()
    reading = read_message(text, classifier, said_before(state), has_new_files=bool(state.new_files()))
    if reading.label == "acknowledgement" and not (state.history or state.user_message().earlier):
        reading = replace(reading, label="greeting")  # of what, before anything was said? "helo", "ok"
    if text in state.spec.starters and state.files() and reading.intent in ("small_talk", "about_gpt"):
        reading = replace(reading, intent="question", label="question")  # its creator knows what it answers
    if unread := _unread(reading, state):
        return unread
    may_remember = state.user_message().background.may_remember
    match wish_of_memory(text):
        case ("recall", lang, _) if may_remember:
            return MessageIntent(intent="about_gpt", answer=_remembered(lang, state))
        case ("keep", _, _) if may_remember:
            return MessageIntent(intent="about_gpt")  # the tool does it
        case ("keep", lang, _) if not text.endswith(("?", "？")):
            return MessageIntent(intent="about_gpt", answer=fixed_reply(lang, "no_memory"))
    lead = fixed_reply(reading.lang, "unsure")
    match reading.intent:
        case "small_talk" | "about_gpt" as intent:
            reply = _about(reading, state) if intent == "about_gpt" else _small_talk(reading, state)
            if reading.share >= ANSWERED_FROM and reading.label != "remark":
                return MessageIntent(intent=intent, answer=reply)
            return MessageIntent(intent=intent, note=reply, lead=lead)
        case "rewrite":
            return _rewrite(reading, state)
        case "whole_files" if state.files():
            return _whole_files(reading, state)
    meant_ids, query = _searched(state)
    if meant_ids and not topic(query or text):
        return _whole_files(replace(reading, label="whole_files"), state)
    if state.files():
        note = decline(reading.lang, state.spec)
    else:
        note = with_starters(fixed_reply(reading.lang, "cannot_answer"), reading.lang, state.spec.starters)
    return MessageIntent(intent="question", note=note, lead=lead, query=subject(text) or query, file_ids=meant_ids)


def _unread(reading: Reading, state: TurnState) -> MessageIntent | None:
    """The reply to a message whose attached files cannot be read, unless a tool may open them; None for others."""
    attached = state.user_message().attachments
    if not attached or state.new_files():
        return None
    unable = fixed_reply(reading.lang, "cannot_read").format(files=", ".join(file.name for file in attached))
    return MessageIntent(intent="question", note=unable, answer="" if state.tools else unable)


def _remembered(lang: str, state: TurnState) -> str:
    """The reply to who asks what is remembered of them."""
    known = [f"- {text}" for text in state.user_message().background.remembered]
    lead = fixed_reply(lang, "remembered" if known else "nothing_remembered")
    return "\n".join([lead, "", *known]) if known else lead


def _whole_files(reading: Reading, state: TurnState) -> MessageIntent:
    """The outline of the files that the message means; one that asks for nothing only hands them over."""
    meant = _named(state, whole=True) or _meant(state)
    names = ", ".join(ref.name for ref in state.files() if ref.file_id in meant)
    asks = reading.label == "whole_files"
    note, lead = ("cannot_list", "listing") if is_listing(state.question()) else ("cannot_summarize", "outline")
    unable = fixed_reply(reading.lang, note)
    shown = fixed_reply(reading.lang, lead).format(files=names)
    return MessageIntent(
        intent="whole_files",
        note=unable,
        lead=f"{unable} {shown}" if asks else shown,
        query=state.question() if asks else SUMMARY,
        file_ids=meant,
    )


def _named(state: TurnState, *, whole: bool = False) -> tuple[str, ...]:
    """The files that the message names, of the GPT's own surely unless `whole`; attached ones are numbered."""
    called, _ = called_files(state.question(), state.files())
    if called or not (state.attached() or whole):
        return called
    new, attached = state.new_files(), state.attached()
    numbered = [file.as_knowledge() for file in (new if len(new) > 1 else attached)] or state.spec.knowledge
    return named_files(state.question(), state.files(), numbered)


def _searched(state: TurnState) -> tuple[tuple[str, ...], str]:
    """The files to search first, those of this message unless it names others, and the query without their names.

    The query is empty if that is the message as it is.
    """
    named = _named(state)
    if not named:
        return tuple(file.id for file in state.new_files()), ""
    called, rest = called_files(state.question(), state.files())
    if called:
        return called, rest if rest != state.question() else ""
    words = state.question().split()
    others = beside_names(words, [ref for ref in state.files() if ref.file_id in named])
    return named, " ".join(others) if len(others) < len(words) and topic(" ".join(others)) else ""


def _meant(state: TurnState) -> tuple[str, ...]:
    """The files that a message means without naming any: the last ones attached, all attached, or all there are."""
    last = _last_attached(state)
    if len(last) == 1 and means_all(state.question()):
        last = state.attached() if len(state.attached()) > 1 else ()
    return tuple(file.id for file in last) or tuple(ref.file_id for ref in state.files())


def _last_attached(state: TurnState) -> tuple[FileRef, ...]:
    """The files attached last; empty if a later answer was from the GPT's own files."""
    own = {ref.file_id for ref in state.spec.knowledge}
    for log in (state.steps, *reversed(state.history)):
        if files := readable(attachments(log)):
            return files
        answers = (step for step in log if isinstance(step, Finished))
        if any(citation.file_id in own for answer in answers for citation in answer.citations):
            break
    return ()


def _small_talk(reading: Reading, state: TurnState) -> str:
    help_text = fixed_reply(reading.lang, "help")
    text = fixed_reply(reading.lang, reading.label).format(name=state.spec.name, help=help_text)
    is_first = reading.label == "greeting" and not state.history
    return with_starters(text, reading.lang, state.spec.starters) if is_first else text


def _about(reading: Reading, state: TurnState) -> str:
    description = state.spec.description.strip()
    about = f": {description}" if description else "."
    lines = [fixed_reply(reading.lang, "about").format(name=state.spec.name, description=about)]
    if files := ", ".join([ref.name for ref in state.files() if not ref.from_source][:_LISTED]):
        lines.append(fixed_reply(reading.lang, "files").format(files=files))
    return with_starters("\n\n".join(lines), reading.lang, state.spec.starters)


def _rewrite(reading: Reading, state: TurnState) -> MessageIntent:
    """A text about a subject gets the passages on it; one that only changes the last answer, the note alone."""
    note = fixed_reply(reading.lang, "cannot_write")
    if not state.files():
        return MessageIntent(intent="rewrite", answer=note)
    about = beside_names(reading.topic, state.files() if state.attached() else ())
    if not about:
        return MessageIntent(intent="rewrite", answer=f"{note} {fixed_reply(reading.lang, 'ask_files')}")
    lead = f"{note} {fixed_reply(reading.lang, 'passages')}"
    return MessageIntent(intent="rewrite", note=note, lead=lead, query=" ".join(about))
