"""The state of a turn: the GPT, the steps so far, the turns before, and the granted tools."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, takewhile
from types import MappingProxyType
from typing import Final, TypeGuard

from gpts.knowledge.documents import Passage
from gpts.knowledge.ranking import budget_for
from gpts.runs.background import UPDATE_DRAFT, Draft
from gpts.runs.messages import Picture
from gpts.runs.steps import (
    FileRef,
    Finished,
    Log,
    MessageIntent,
    ModelReply,
    PartNotes,
    Retrieval,
    Step,
    ToolResult,
    UserMessage,
)
from gpts.spec.ability import ModelAbility
from gpts.spec.file_tools import SEARCH_FILES
from gpts.spec.gpt import GptSpec, KnowledgeRef
from gpts.spec.tools import ToolSpec, call_digest

# The share of the model's context that files may take up to be part of the prompt as they are, if it finds facts in
# so long a text.
WHOLE_FILES_SHARE: Final = 0.4
CONVERSATION_TOKENS: Final = 1_500
CHARS_PER_TOKEN: Final = 3
# The longest message that is taken as "continue" after an answer that was cut.
GOES_ON_CHARS: Final = 60
# Passages, those of earlier turns included, that an answer is checked against.
EARLIER_PASSAGES: Final = 60
# Rounds of tool calls in one turn, after which the model must answer.
MAX_ROUNDS: Final = 8


@dataclass(frozen=True, slots=True)
class TurnState:
    """The input of decisions and prompts, as plain values.

    `steps` are this turn's, `history` the turns before it, `tools` the granted ones and the API caller's own, by
    name. `whole_files` are the files that are part of the prompt, one passage each, as they are or by the first rows
    of a long table: the GPT's own, all or none of them, and attached ones. `pictures` are attached files that the
    model sees, by id.
    """

    spec: GptSpec
    ability: ModelAbility
    steps: Log
    history: Sequence[Log]
    tools: Mapping[str, ToolSpec]
    whole_files: tuple[Passage, ...] = field(default=(), kw_only=True)
    pictures: Mapping[str, Picture] = field(default_factory=dict, kw_only=True)

    def user_message(self) -> UserMessage:
        """The first step of this turn."""
        first = self.steps[0]
        assert isinstance(first, UserMessage)
        return first

    def question(self) -> str:
        """The person's question in this turn."""
        return self.user_message().text

    def intent(self) -> MessageIntent | None:
        """What the message asks for, if code has read it."""
        return next((step for step in self.steps if isinstance(step, MessageIntent)), None)

    def retrieval(self) -> Retrieval | None:
        """What was found in the files before the model was called, if they were searched or read for that."""
        return next((step for step in self.steps if isinstance(step, Retrieval) and not step.call_id), None)

    def searches(self) -> tuple[Retrieval, ...]:
        """What the model's own calls found in the files so far."""
        return tuple(step for step in self.steps if isinstance(step, Retrieval) and step.call_id)

    @property
    def has_search(self) -> bool:
        """Whether the model searches the long files by calls, so that nothing is searched before it is called."""
        tool = self.tools.get(SEARCH_FILES)
        return tool is not None and tool.builtin == SEARCH_FILES

    def notes(self) -> tuple[PartNotes, ...]:
        """The notes of the present reading of files, on the parts that were read so far."""
        return notes_before(self.steps, len(self.steps))

    def attached(self) -> tuple[FileRef, ...]:
        """The files attached in the conversation that can be read as text, oldest first."""
        return readable(file for log in (*self.history, self.steps) for file in files_of(log))

    def new_files(self) -> tuple[FileRef, ...]:
        """Those of `attached` that came with this message."""
        return readable(attachments(self.steps))

    def withholds(self) -> bool:
        """Whether sentences of a model's answer that the files do not support are not shown.

        Of one about a picture, no text tells whether it describes it rightly.
        """
        is_strict = self.spec.only_from_knowledge and self.spec.unsupported != "mark" and not self.sees_new_picture()
        is_json = self.user_message().overrides.answer_schema is not None
        return is_strict and self.ability.writes_from_sources and bool(self.passages()) and not is_json

    def sees_new_picture(self) -> bool:
        """Whether a picture that the model sees came with this message."""
        return any(file.id in self.pictures for file in attachments(self.steps))

    def files(self) -> tuple[KnowledgeRef, ...]:
        """All files that this turn can read, each text once: attached ones, oldest first, then the GPT's own."""
        attached = {file.segment: file.as_knowledge() for file in self.attached()}
        return (*attached.values(), *(ref for ref in self.spec.knowledge if ref.segment not in attached))

    def long_files(self) -> tuple[KnowledgeRef, ...]:
        """Those of `files` that are not whole in the prompt: they are searched, or read part by part."""
        whole = {file.file_id for file in self.whole_files if not file.is_part}
        return tuple(ref for ref in self.files() if ref.file_id not in whole)

    def call_ids(self) -> tuple[str, ...]:
        """The ids of the calls in the conversation so far, those that an API caller sent along included."""
        steps = [step for log in (*self.history, self.steps) for step in log]
        made = (call for step in steps if isinstance(step, ModelReply) for call in step.tool_calls)
        messages = (each for step in steps if isinstance(step, UserMessage) for each in (*step.earlier, *step.later))
        sent = (call for each in messages for call in each.tool_calls)
        return (*(call.call_id for call in made), *(call.call_id for call in sent))

    def passages(self) -> tuple[Passage, ...]:
        """Citable passages: whole files, those found and used, and those of notes and tool results.

        A model that searches by itself may also answer from what it found in earlier turns.
        """
        found = passages_in(self.steps)
        turns = filter(self._is_own, reversed(self.history)) if self.has_search else ()
        earlier = (passage for turn in turns for passage in passages_in(turn))
        return (*self.whole_files, *islice(dict.fromkeys((*found, *earlier)), max(len(found), EARLIER_PASSAGES)))

    def last_passages(self) -> tuple[Passage, ...]:
        """The passages of the turn before; empty if another GPT answered it."""
        last = self.history[-1] if self.history else ()
        return passages_in(last) if self._is_own(last) else ()

    def _is_own(self, turn: Log) -> bool:
        """Whether the GPT of this turn answered the earlier `turn`."""
        guests = {step.guest_id for step in turn if isinstance(step, UserMessage)}
        return guests <= {self.user_message().guest_id}

    def goes_on(self) -> bool:
        """Whether the message only wants the rest of the last answer, which its limit cut.

        That is any short one without a question mark, whatever its language.
        """
        end = self.history[-1][-1] if self.history and self.history[-1] else None
        was_cut = isinstance(end, Finished) and end.finish in ("length", "deadline")
        text = self.question()
        return was_cut and len(text) <= GOES_ON_CHARS and not any(sign in text for sign in "?？؟")

    def model_tools(self) -> tuple[ToolSpec, ...]:
        """The tools in the model's prompt: all if it can choose tools, none once it must answer."""
        return tuple(self.tools.values()) if self.ability.calls_tools and not self.must_answer() else ()

    def must_answer(self) -> bool:
        """Whether no round of calls is left, or the last one only repeated earlier calls."""
        rounds = [step.tool_calls for step in self.steps if isinstance(step, ModelReply) and step.tool_calls]
        if len(rounds) >= MAX_ROUNDS:
            return True
        earlier = {call_digest(call) for calls in rounds[:-1] for call in calls}
        return bool(rounds) and all(call_digest(call) in earlier for call in rounds[-1])

    def n_ran_out(self) -> int:
        """How many replies of this turn came to nothing for lack of room."""
        return sum(step.ran_out for step in self.steps if isinstance(step, ModelReply))

    def results(self) -> tuple[str, ...]:
        """What calls returned as plain text: those of the GPT's tools, and of the functions of an API caller.

        Not the answers of other GPTs.
        """
        first = self.user_message()
        sent = (message.content for message in (*first.earlier, *first.later) if message.role == "tool")
        made = (step.text for step in self.steps if _is_plain(step))
        return tuple(filter(None, (*sent, *made)))

    def demanded_tools(self) -> tuple[ToolSpec, ...]:
        """The tools of which the API caller demands a call now, of those that they named; empty if none."""
        overrides = self.user_message().overrides
        if any(isinstance(step, ModelReply) for step in self.steps):
            return ()
        own = overrides.own_tools or ()
        named = tuple(tool for tool in self.tools.values() if tool.of_caller or tool.name in own)
        choice = overrides.tool_choice
        demanded = named if choice == "required" else tuple(tool for tool in named if tool.name == choice)
        draft = self.user_message().background.draft
        return tuple(_filling(tool, draft) if draft and tool.name == UPDATE_DRAFT else tool for tool in demanded)


def _filling(tool: ToolSpec, draft: Draft) -> ToolSpec:
    """The tool that fills in the form, of which a call must give what is still empty."""
    return tool.model_copy(update={"parameters": {**tool.parameters, "required": [*draft.empty()]}})


def _is_plain(step: Step) -> TypeGuard[ToolResult]:
    """Whether a step is a result that is no passages and no answer of another GPT."""
    return isinstance(step, ToolResult) and step.ok and not step.passages and not step.run_id


def files_of(log: Log) -> tuple[FileRef, ...]:
    """The files attached to the message of a turn, and those of its project."""
    return next((step.files for step in log if isinstance(step, UserMessage)), ())


def attachments(log: Log) -> tuple[FileRef, ...]:
    """The files attached to the message of a turn."""
    return next((step.attachments for step in log if isinstance(step, UserMessage)), ())


def readable(files: Iterable[FileRef]) -> tuple[FileRef, ...]:
    """Those of `files` that have a text; of two with the same one, the later."""
    by_text: dict[str, FileRef] = {}
    for file in files:
        if file.segment:
            by_text.pop(file.segment, None)
            by_text[file.segment] = file
    return tuple(by_text.values())


def notes_before(log: Log, number: int) -> tuple[PartNotes, ...]:
    """The notes on files that directly precede step `number`: those that one reading of files made."""
    notes = takewhile(lambda step: isinstance(step, PartNotes), reversed(log[:number]))
    return tuple(step for step in reversed([*notes]) if isinstance(step, PartNotes))


def passages_in(log: Log) -> tuple[Passage, ...]:
    """The passages that the steps of a turn gave the model, and those of its notes on files."""
    given = (
        step
        for step in log
        if isinstance(step, PartNotes | ToolResult)
        or (isinstance(step, Retrieval) and (step.covered or step.extract))
    )
    return tuple(passage for step in given for passage in step.passages)


def fit_whole(n_tokens: int, spec: GptSpec, ability: ModelAbility) -> bool:
    """Whether files of this length become part of the GPT's prompt instead of being searched."""
    return ability.writes_from_sources and n_tokens <= whole_room(spec, ability)


def whole_attachments(
    state: TurnState,
    n_own_tokens: int,
    *,
    searches_own: bool = False,
    parts: Mapping[str, int] = MappingProxyType({}),
) -> tuple[FileRef, ...]:
    """The attached files that are part of the prompt as they are, beside `n_own_tokens` of the GPT's own files.

    The newest ones that fit; the others are searched, as the GPT's own are if `searches_own`. The choice changes with
    a new file or a very long message only. `parts`: the tokens of those of which the prompt has only a part, by id.
    """
    if not state.ability.writes_from_sources:
        return ()
    message, attached = state.user_message(), state.attached()
    sizes = {file.id: parts.get(file.id, file.n_tokens) for file in attached}
    n_chars = len(message.text) + len(message.received)
    n_chars += sum(len(each.content) for each in (*message.earlier, *message.later))
    n_message = max(n_chars // CHARS_PER_TOKEN, CONVERSATION_TOKENS)
    left = whole_room(state.spec, state.ability, n_message) - n_own_tokens
    if searches_own or sum(sizes.values()) > left:
        n_message += budget_for(state.ability.context_tokens)
        left = whole_room(state.spec, state.ability, n_message) - n_own_tokens
    kept: list[FileRef] = []
    for file in reversed(attached):
        if sizes[file.id] <= left:
            left -= sizes[file.id]
            kept.append(file)
    return tuple(reversed(kept))


def whole_room(spec: GptSpec, ability: ModelAbility, n_conversation: int = CONVERSATION_TOKENS) -> int:
    """Tokens for whole files in a prompt."""
    most = min(ability.reads_tokens, int(WHOLE_FILES_SHARE * ability.context_tokens))
    return min(most, room(spec, ability, n_conversation))


def room(spec: GptSpec, ability: ModelAbility, n_conversation: int = CONVERSATION_TOKENS) -> int:
    """Tokens for files and notes in a prompt, beside the instructions, the reply and a conversation."""
    reply = reply_room(spec, ability)
    return ability.context_tokens - len(spec.instructions) // CHARS_PER_TOKEN - reply - n_conversation


def reply_room(spec: GptSpec, ability: ModelAbility) -> int:
    """Tokens that prompts leave for a reply and its reasoning; a reply gets more where the prompt is shorter."""
    context = ability.context_tokens
    answer = spec.model.max_tokens or min(ability.reply_tokens, context // 4)
    return min(answer + ability.reasoning_tokens, context // 2)
