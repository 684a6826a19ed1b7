"""What a new message asks for: told by a model that writes answers, else read by code."""

from dataclasses import replace
from typing import Final

from gpts.runs.intent import ListedFile, intent_request, read_intent
from gpts.runs.state import TurnState
from gpts.runs.steps import MessageIntent
from workers.runs.services import Services
from workers.runs.writing import Show, write

# The longest line that a model writes.
LINE_TOKENS: Final = 60
# Files that are read whole only if the message asks for it in words that code knows as well.
MANY_FILES: Final = 3


def message_intent(state: TurnState, services: Services, check: Show) -> MessageIntent:
    """What the message of this turn asks for. Raises FileError, EngineError, or what `check` raises to stop."""
    if not (state.ability.writes_from_sources and state.question()):
        return services.small.read_intent(_in_words_of_files(state, services))
    refs = state.files()
    infos = services.index.infos(refs)
    new = {file.id for file in state.new_files()}
    files = [
        ListedFile(ref.file_id, ref.name, info.title, ref.file_id in new)
        for ref, info in zip(refs, infos, strict=True)
    ]
    request = intent_request(state.history, state.steps, files)
    line = write(request, LINE_TOKENS, services, check, one_line=True).text
    told = read_intent(line, state.question(), files)
    by_code = services.small.read_intent(state)
    # Reading many files takes minutes. Qwen2.5-Coder-1.5B called 4 of 18 unseen questions to 7 files so, code none,
    # and both the same 9 of 10 messages that want it (2026-11).
    if told.intent == "whole_files" and len(told.file_ids) >= MANY_FILES and by_code.intent == "question":
        return MessageIntent(intent="question", query=" ".join(dict.fromkeys((told.query, state.question()))))
    # A small model may have answered the message instead, and one that reasons may not have come to an end.
    if told.intent == "question" and by_code.intent == "whole_files":
        return MessageIntent(intent="whole_files", query=by_code.query, file_ids=by_code.file_ids)
    return told


def _in_words_of_files(state: TurnState, services: Services) -> TurnState:
    """`state` with the typos of its message corrected by the words of its files."""
    message, refs = state.user_message(), state.files()
    if not refs or not message.text:
        return state
    text = services.index.corrected(refs, message.text)
    return replace(state, steps=(message.model_copy(update={"text": text}), *state.steps[1:]))
