"""The interview that makes a GPT where the model calls no tools: what a message answers, and what to ask next.

Where it stands follows from the messages so far, which are read again each time. Nothing else is kept, so that what
the person undoes or edits in the form between two messages is seen at the next one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import filterfalse
from typing import Any, Final

from gpts.knowledge.extracts import Similarity
from gpts.runs.background import UPDATE_DRAFT, Draft
from gpts.runs.replies import CallIds
from gpts.runs.state import TurnState
from gpts.runs.steps import Log, ModelReply, ToolCall, ToolResult, UserMessage
from gpts.safety.flow import context_label
from gpts.spec.gpt import UNTITLED
from workers.smallmodel.conversation.classifier import language
from workers.smallmodel.interview.answers import (
    TEXTS,
    USABLE,
    Answer,
    is_words,
    line,
    read_answer,
    says,
    says_yes,
    suggested_name,
    text_of,
)
from workers.smallmodel.interview.categories import category_for

QUESTIONS: Final = ("purpose", "name", "audience", "tone", "limits", "starters", "files", "tools")
# From so many words on, a message after the last question is a rule and no slip.
RULE_WORDS: Final = 3
# The language is read from messages of so many words, if there are any.
TELLING_WORDS: Final = 4


# Has the model fill in an empty form; empty if it cannot.
Write = Callable[[], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the interview stands: the question asked (empty: none), those settled, and those asked, in order."""

    asked: str = "purpose"
    settled: tuple[str, ...] = ()
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Move:
    """What a message leads to: the next place, fields to fill in, and what is said before the next question."""

    place: Place
    said: str
    fields: dict[str, Any] = field(default_factory=dict)
    suggest: tuple[str, ...] = ()


def interview_reply(state: TurnState, similar: Similarity, write: Write = dict) -> ModelReply:
    """The next words of the interview, with a call that fills in what the message says.

    `write` has a model that writes, but calls no tools, fill in the rest of the form once the purpose is known.
    """
    logs = [*filterfalse(_was_written, state.history), state.steps]
    turns = [_message_of(log) for log in logs]
    # A name or a "no" says nothing of its language: "Parcel Peace" was taken for French.
    telling = [turn.text for turn in turns if len(turn.text.split()) >= TELLING_WORDS]
    lang = language(" ".join(telling or [turn.text for turn in turns]))
    place = Place()
    for turn, log in zip(turns[:-1], logs, strict=False):
        place = _past(take(place, turn.text, _draft_of(turn), lang).place, _draft_of(turn), _written_in(log))
    draft = _draft_of(turns[-1])
    move = take(place, turns[-1].text, draft, lang)
    drafted = write() if place.asked == "purpose" and "description" in move.fields else {}
    if language(drafted.get("description", "")) != lang:
        drafted = {}  # Qwen2.5-Coder-1.5B falls back to English (2026-11)
    fields = _with_category(_drafted(move.fields, draft, drafted), draft, similar)
    move = replace(move, place=_past(move.place, draft, fields))
    changed = {name: value for name, value in fields.items() if draft.fields()[name] != value}
    arguments = changed | ({"suggest": list(move.suggest)} if move.suggest else {})
    call = ToolCall(call_id=CallIds(state.call_ids()).new(), name=UPDATE_DRAFT, arguments=arguments)
    said = move.said if place.asked else _said(move, changed, lang)
    words = [said, _next_words(place, move.place, draft.model_copy(update=changed), lang)]
    if len(turns) == 1:
        words.insert(0, text_of(lang, "drafted" if drafted else "honest"))
        words.append(text_of(lang, "how"))
    text = "\n\n".join(filter(None, words))
    label = context_label(state.history, state.steps, state.tools)
    return ModelReply(text=text, tool_calls=(call,) if arguments else (), label=label)


def _drafted(said: Mapping[str, Any], draft: Draft, written: Mapping[str, Any]) -> dict[str, Any]:
    """What the person `said`, with what a model has `written` of the fields that are empty."""
    new = {name: written[name] for name in draft.empty() if name in written}
    if "instructions" in new:
        new["instructions"] = f"{said.get('instructions', '')}\n{new['instructions']}".strip()
    return {**said, **new}


def _said(move: Move, changed: Mapping[str, Any], lang: str) -> str:
    """What is said on a message after the end. Before, the next question follows, and the page shows the change."""
    if move.said:
        return move.said
    if changed:
        return text_of(lang, "said_change")
    return text_of(lang, "said_unchanged") if move.fields else ""


def shown_reply(state: TurnState) -> str:
    """The words of the interview once its call has ended: with the reason first if nothing was changed."""
    reply = next(step for step in reversed(state.steps) if isinstance(step, ModelReply))
    failed = [step.shown or "" for step in state.steps if isinstance(step, ToolResult) and not step.ok]
    return "\n\n".join(filter(None, [*failed, reply.text]))


def take(place: Place, text: str, draft: Draft, lang: str) -> Move:
    """What the message leads to from `place`."""
    for read in (_command, _change):
        if move := read(place, text, draft, lang):
            return move
    if says("thanks", text) and not (place.asked in ("name", "files") and says_yes(text)):
        return Move(place, "" if place.asked else text_of(lang, "later"))
    if not place.asked:
        return _after_the_end(place, text, draft, lang)
    if says("confused", text) or (place.asked == "purpose" and says("greeting", text)):
        return Move(place, text_of(lang, "example_purpose" if place.asked == "purpose" else "example_other"))
    if place.asked in ("audience", "tone", "limits") and says("no", text):
        return Move(_next(place, draft), text_of(lang, "said_skip"))
    return _answered(place, place.asked, read_answer(place.asked, text, draft, lang), draft)


def _command(place: Place, text: str, draft: Draft, lang: str) -> Move | None:
    if says("restart", text):
        return Move(Place(), text_of(lang, "said_back"))
    finish = says("finish", text)
    if place.asked and (finish or says("skip", text)):
        # A purpose is what everything else rests on.
        if place.asked == "purpose" and not draft.description:
            return Move(place, text_of(lang, "example_purpose"))
        if finish:
            return Move(Place("", place.settled, (*place.path, place.asked)), "")
        return Move(_next(place, draft), text_of(lang, "said_skip"))
    if says("back", text) and place.path:
        earlier = place.path[-1]
        settled = tuple(each for each in place.settled if each != earlier)
        return Move(Place(earlier, settled, place.path[:-1]), text_of(lang, "said_back"))
    return None


def _change(place: Place, text: str, draft: Draft, lang: str) -> Move | None:
    """A change of an earlier answer; without its new value, that question is asked again."""
    if found := says("rename", text):
        value = found["value"] or found["de"]
        return _answered(place, "name", read_answer("name", value, draft, lang), draft) if value else None
    found = says("change", text)
    what = " ".join(found["what"].casefold().split()) if found else ""
    question = next((each for each, words in TEXTS["words"].items() if what in words), "")
    if not found or not question:
        return None
    if not found["value"]:
        settled = tuple(each for each in place.settled if each != question)
        path = (*place.path, place.asked) if place.asked else place.path
        return Move(Place(question, settled, path), text_of(lang, "said_back"))
    if question == "starters":
        draft = draft.model_copy(update={"starters": ()})  # these replace the others
    return _answered(place, question, read_answer(question, found["value"], draft, lang), draft)


def _answered(place: Place, question: str, answer: Answer, draft: Draft) -> Move:
    """The move after an answer to `question`, which need not be the one that was asked."""
    if answer.fault:
        settled = tuple(each for each in place.settled if each != question)
        return Move(replace(place, asked=question, settled=settled), answer.fault)
    after = draft.model_copy(update=dict(answer.fields))
    at = replace(place, settled=tuple(dict.fromkeys((*place.settled, question))))
    at = _next(at, after) if question == place.asked else at
    return Move(at, answer.note, dict(answer.fields), answer.suggest)


def _next(place: Place, draft: Draft) -> Place:
    """The place of the next question that is open: not settled, and not about a field that the person filled in."""
    settled = (*place.settled, place.asked)
    empty = draft.empty()
    filled = {"name": "name" not in empty, "starters": "starters" not in empty}
    filled["tools"] = not any(key in USABLE for key, _ in draft.offered)
    filled["purpose"] = bool(draft.description or draft.instructions)
    left = [each for each in QUESTIONS if each not in settled and not filled.get(each)]
    return Place(left[0] if left else "", tuple(dict.fromkeys(settled)), (*place.path, place.asked))


def _after_the_end(place: Place, text: str, draft: Draft, lang: str) -> Move:
    """A further rule for the instructions, if the message may be one."""
    if len(text.split()) < RULE_WORDS and not says("yes", text) and is_words(text) and len(text) < 12:
        return Move(place, text_of(lang, "later"))
    if says("yes", text) or says("no", text) or says("confused", text) or says("greeting", text):
        return Move(place, text_of(lang, "later"))
    answer = line("also", _rule(text), draft, lang)
    return Move(place, answer.fault or text_of(lang, "added"), dict(answer.fields))


def _rule(text: str) -> str:
    """The message without a leading "also", which the line begins with."""
    first, _, rest = text.strip().partition(" ")
    return rest if first.casefold().strip(",:") in ("also", "and", "außerdem", "aussi", "además") and rest else text


def _past(place: Place, draft: Draft, written: Mapping[str, Any]) -> Place:
    """`place` without a question that what was written in the same turn has answered."""
    after = draft.model_copy(update={name: value for name, value in written.items() if name != "suggest"})
    return _next(place, after) if place.asked in written else place


def _written_in(log: Log) -> dict[str, Any]:
    """What the interview filled in in this turn."""
    replies = (step for step in log if isinstance(step, ModelReply))
    return next((call.arguments for reply in replies for call in reply.tool_calls), {})


def _next_words(before: Place, place: Place, draft: Draft, lang: str) -> str:
    """The next question, or that there is none any more."""
    if not place.asked:
        return text_of(lang, "done") if before.asked else ""
    if place.asked == "name" and (name := suggested_name(draft.description, lang)):
        return text_of(lang, "name_suggested", name=name)
    offered = ", ".join(title.lower() for key, title in draft.offered if key in USABLE)
    categories = ", ".join(title for _, title in draft.categories)
    return text_of(lang, place.asked, offered=offered, categories=categories)


def _message_of(log: Log) -> UserMessage:
    return next(step for step in log if isinstance(step, UserMessage))


def _was_written(log: Log) -> bool:
    """Whether a model answered: the site's model may have changed since."""
    return any(isinstance(step, ModelReply) and step.completion_tokens for step in log)


def _draft_of(message: UserMessage) -> Draft:
    return message.background.draft or Draft(name=UNTITLED)


def _with_category(fields: dict[str, Any], draft: Draft, similar: Similarity) -> dict[str, Any]:
    """`fields` with the category that a new description fits best, unless the person chose one."""
    if "description" not in fields or draft.category not in ("", "other"):
        return fields
    category = category_for(fields["description"], draft.categories, similar)
    return fields | ({"category": category} if category else {})
