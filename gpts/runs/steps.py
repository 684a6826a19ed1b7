"""The steps of a run's log: what happened, in order. Everything shown is derived from them."""

import json
from typing import Annotated, Any, Final, Literal

from pydantic import Field, TypeAdapter, model_validator

from gpts.knowledge.documents import Citation, Passage, SentenceSupport
from gpts.runs.background import Background
from gpts.runs.forms import Form
from gpts.runs.logprobs import TokenLogprob
from gpts.runs.messages import PromptMessage
from gpts.runs.overrides import Overrides
from gpts.safety.labels import Label
from gpts.spec.gpt import KnowledgeRef
from gpts.spec.old_names import USER_MESSAGE_NAMES, with_new_names
from gpts.values import Value

FinishReason = Literal["stop", "length", "cancelled", "deadline", "tool_calls"]
# What of a failure the caller can mend.
ErrorCode = Literal["", "context_length_exceeded", "invalid_schema", "invalid_reply"]
Coverage = Literal["covered", "not_covered", "no_knowledge"]
# "rewrite": a text to be written, of an answer or of the files; "whole_files": what the files hold altogether.
Intent = Literal["question", "small_talk", "about_gpt", "rewrite", "whole_files"]


class ToolCall(Value):
    """A call that the model made: `arguments` is parsed JSON, checked to be an object.

    `raw` is what the model wrote in place of an object, which is then the only argument. `problem` is why the call
    cannot be made as it was written.
    """

    call_id: str
    name: str
    arguments: dict[str, Any]
    raw: str = ""
    problem: str = ""

    @property
    def arguments_json(self) -> str:
        """The arguments as JSON, or as the model wrote them."""
        return self.raw or json.dumps(self.arguments, ensure_ascii=False)


class FileRef(Value):
    """A file of the conversation: attached by the person or made by a call. `id` is its row's.

    `segment` is the content address of its text, `n_tokens` long, which is read like knowledge; empty for a file that
    only tools can open.
    """

    id: str = ""
    name: str
    mime: str = "application/octet-stream"
    size: int = 0
    segment: str = ""
    n_tokens: int = 0

    def as_knowledge(self) -> KnowledgeRef:
        """The file as one that is searched or read whole."""
        return KnowledgeRef(file_id=self.id, name=self.name, segment=self.segment)


class Delegator(Value):
    """A GPT in a chain of delegations, starting with the one that the person chats with."""

    slug: str
    name: str


class UserMessage(Value):
    """Step 0: the person's question. `earlier` holds the conversation that an API caller sent along.

    `later` holds the calls of the caller's functions that the question led to, and their results. `replies_label` is
    the label of the assistant's messages in both, None unless this site made all of them. `delegated_by` is the chain
    of delegations, outermost first; if set, `text` is the task written by the last GPT in it, `label` the label of
    what that GPT had read, and `own_words` whether the task is literally the person's text. `guest_id` is the id of
    the mentioned GPT that answers; empty if the conversation's own GPT does. `is_side_task`: a program wants a title
    or the like for a chat of its own, see `side_tasks.py`. `received` is what an event brought that the person has
    this sent for, such as a call of a webhook; `label` names who wrote it.
    """

    kind: Literal["user_message"] = "user_message"
    text: str
    earlier: tuple[PromptMessage, ...] = ()
    later: tuple[PromptMessage, ...] = ()
    replies_label: Label | None = None
    attachments: tuple[FileRef, ...] = ()
    overrides: Overrides = Overrides()
    delegated_by: tuple[Delegator, ...] = ()
    label: Label = Label()
    own_words: bool = True
    guest_id: str = ""
    is_side_task: bool = False
    background: Background = Background()
    received: str = ""
    project_files: tuple[FileRef, ...] = ()

    @property
    def files(self) -> tuple[FileRef, ...]:
        """All files that come with it, those of its project last."""
        return (*self.attachments, *self.project_files)

    @model_validator(mode="before")
    @classmethod
    def _read_old_names(cls, data: Any) -> Any:
        return with_new_names(data, USER_MESSAGE_NAMES)


class MessageIntent(Value):
    """What the message asks for: read by code for a model that cannot write answers, else said by the model itself.

    `answer` is the complete reply to a message that asks for no facts, `note` the reply if the files say nothing on
    it. `lead` introduces what they say, for a question only if they may not answer it. `query` is the text to search
    for if it is not the whole message, or what to find in whole files. `file_ids` are the files that the message
    means: they are read, or searched before all others.
    """

    kind: Literal["message_intent"] = "message_intent"
    intent: Intent
    answer: str = ""
    note: str = ""
    lead: str = ""
    query: str = ""
    file_ids: tuple[str, ...] = ()


class Retrieval(Value):
    """What the files hold on `query`, best first. `covered` is False below the relevance threshold.

    `extract` is an answer of literal sentences of the files, set if the model cannot write answers from passages.
    `whole_files` are the names of files that were read whole: by the model, as part of its prompt or part by part, or
    to make the extract. `unread` says what of them was not read; empty if all was. `n_files` counts those that were
    searched; 0 in logs of earlier releases. `reused`: the passages are those of the last answer, which the message
    only wants in another form. `call_id`: the model's call that it is the result of; empty if the turn began with it.
    """

    kind: Literal["retrieval"] = "retrieval"
    query: str
    passages: tuple[Passage, ...] = ()
    covered: bool = False
    extract: str = ""
    whole_files: tuple[str, ...] = ()
    n_files: int = 0
    unread: str = ""
    reused: bool = False
    call_id: str = ""

    def summary(self) -> str:
        """One line for people: what was read, and what was found in how many files."""
        n_read, n_found = len(self.whole_files), len(self.passages)
        names = self.whole_files[0] if n_read == 1 else f"{n_read} files"
        read = f"Read {'part of ' if self.unread else ''}{names}" if n_read else ""
        if self.reused:
            return "Used the last answer’s sources"
        if n_read and not self.n_files:
            return read
        searched = f"{self.n_files} file{'' if self.n_files == 1 else 's'}" if self.n_files else "the files"
        no_match = "no clear match" if self.extract else "no match"
        found = f"{n_found} passage{'' if n_found == 1 else 's'}" if self.covered and n_found else no_match
        return " · ".join(filter(None, (read, f"Searched {searched}, {found}")))


class PartNotes(Value):
    """The model's notes on one part of a file that is too long for its prompt; empty if it says nothing of use.

    `start`/`end` index the file's text, `place` are its pages in words. `number` of `n_parts` counts the parts of all
    files that are read. `passages` are the text on which the notes rest. `from_cache`: the model took them earlier.
    `engine` is that of ModelReply.
    """

    kind: Literal["part_notes"] = "part_notes"
    file_id: str
    file_name: str
    segment: str
    start: int
    end: int
    number: int
    n_parts: int
    place: str = ""
    text: str = ""
    passages: tuple[Passage, ...] = ()
    from_cache: bool = False
    engine: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def part(self) -> str:
        """Which part of which file it is, in words."""
        return f"{self.file_name}, part {self.number} of {self.n_parts}"


class DelegatedPart(Value):
    """A part of a question for a delegate: the tool to call, and the task.

    `gpt` is the slug of a GPT from the store.
    """

    name: str
    task: str
    gpt: str = ""


class ToolChoice(Value):
    """The router's choice of a tool for the question; an empty name: none. `score` is in 0..1.

    `parts`: the question is divided among several delegates; then `name` is empty.
    """

    kind: Literal["tool_choice"] = "tool_choice"
    name: str = ""
    score: float = 0.0
    parts: tuple[DelegatedPart, ...] = ()


class ModelReply(Value):
    """One complete generation of the model; one that crashed leaves no step and is repeated.

    `declined`: it says that the files do not cover the question.
    `reasoning` is what it wrote to itself before `text`, in `reasoning_ms`: no part of an answer, and of prompts only
    while its calls are answered.
    `engine` is the name of the model that wrote it; empty: the default. `logprobs` are of the tokens of `text`, if
    they were asked for. `stop_sequence` is the stop text that ended it, if one did. `cut_call`: its limit ended it
    within a call, so that none of it counts. `context_tokens` are the model's, by which results of its calls are cut
    where no model is open.
    """

    kind: Literal["model_reply"] = "model_reply"
    text: str
    logprobs: tuple[TokenLogprob, ...] = ()
    reasoning: str = ""
    reasoning_tokens: int = 0
    reasoning_ms: int = 0
    engine: str = ""
    declined: bool = False
    tool_calls: tuple[ToolCall, ...] = ()
    cut_call: bool = False
    finish: FinishReason = "stop"
    stop_sequence: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    first_token_ms: int = 0
    context_tokens: int = 0
    label: Label = Label()

    @property
    def only_reasons(self) -> bool:
        """Whether it was cut before its reasoning led to anything."""
        return bool(self.reasoning) and not (self.text or self.tool_calls or self.declined)

    @property
    def ran_out(self) -> bool:
        """Whether its length limit ended it within its reasoning or a call, so that it is of no use."""
        return self.finish == "length" and (self.cut_call or self.only_reasons)


class ModelChange(Value):
    """From here on the model `engine` answers instead of `wanted`, which is down or not offered to the GPT's owner.

    Both are names of the operator's table of models.
    """

    kind: Literal["model_change"] = "model_change"
    wanted: str
    engine: str
    reason: Literal["unavailable", "not_offered"]


class ToolStarted(Value):
    """Announces a call with an effect, so that a later worker never runs it twice."""

    kind: Literal["tool_started"] = "tool_started"
    call_id: str
    name: str


class Delegation(Value):
    """A delegation: the child run `run_id` of the GPT `slug` answers the call with a `tool_result` in this log.

    `joined`: the tree has an identical earlier delegation, and its run answers both.
    """

    kind: Literal["delegation"] = "delegation"
    call_id: str
    run_id: str
    slug: str
    name: str
    task: str
    joined: bool = False


class AppView(Value):
    """A page of the server at `host` that shows a result, with all that it is given: the kept file with this id."""

    file_id: str
    host: str


class ToolResult(Value):
    """The result of a call, as the model reads it. `ok` is False for refused, failed and interrupted calls.

    `shown` is Markdown that serves as the answer if the model cannot write one: if set, the run ends with it and an
    extract of `passages`. `urls` are addresses returned by the tool itself. `run_id` is the child run, if any, and
    `citations` those of its answer, which is `text`. `is_cut`: the whole is one of the `files`.
    """

    kind: Literal["tool_result"] = "tool_result"
    call_id: str
    name: str
    text: str
    ok: bool = True
    shown: str | None = None
    passages: tuple[Passage, ...] = ()
    citations: tuple[Citation, ...] = ()
    files: tuple[FileRef, ...] = ()
    urls: tuple[str, ...] = ()
    label: Label = Label()
    seconds: float = 0.0
    run_id: str = ""
    app: AppView | None = None
    is_cut: bool = False


class ApprovalRequest(Value):
    """A person must approve this exact call; `digest` binds the answer to its name and arguments.

    `plain` and `raw` show the request in words and exactly. `reason` explains the question, `because` names the
    authors of the untrusted text that the run has read. `may_remember`: "always allow" can be offered, for the tool
    at `host` while `binding`, its ToolSpec's, stays the same. `sign_in` is the host where the person must sign in
    first; then the request is for that, not for permission. Likewise with `form`: it is for answers to its fields.
    """

    kind: Literal["approval_request"] = "approval_request"
    call_id: str
    name: str
    digest: str
    title: str = ""
    plain: str = ""
    raw: str = ""
    reason: str = ""
    because: tuple[str, ...] = ()
    host: str = ""
    binding: str = ""
    may_remember: bool = False
    sign_in: str = ""
    form: Form | None = None


class Approval(Value):
    """The person's answer to an approval request. `expired`: nobody answered in time, which declines.

    `answers` are those to a form, by field; `dismissed`: it was closed without any.
    """

    kind: Literal["approval"] = "approval"
    call_id: str
    allowed: bool
    digest: str = ""
    expired: bool = False
    answers: dict[str, Any] = {}
    dismissed: bool = False


class Cancelled(Value):
    """The person stopped the run; `text` is what had been shown by then."""

    kind: Literal["cancelled"] = "cancelled"
    text: str = ""


class Error(Value):
    """The run failed. `message` is for the reader, `code` for programs; the cause is in the operator's log."""

    kind: Literal["error"] = "error"
    message: str
    code: ErrorCode = ""


class Finished(Value):
    """The answer and its citations as people and programs receive it. `tool_calls` are for the API caller to perform.

    `support` has an entry for each sentence of the answer if passages were given for it, otherwise none. `closest`
    are the sentences of the files closest to a question that the answer declines, if it quotes none itself.
    Of the model's answer `n_withheld` sentences are not part of `text`, as the files do not say them and the GPT's
    creator wants none of these shown: `withheld` are the ones at which people may look all the same.
    `prompt_tokens` and `completion_tokens` are those of messages and answers that no model read and wrote.
    `stop_sequence` is the program's stop text that ended the answer, if one did.
    """

    kind: Literal["finished"] = "finished"
    text: str
    citations: tuple[Citation, ...] = ()
    support: tuple[SentenceSupport, ...] = ()
    closest: tuple[Citation, ...] = ()
    n_withheld: int = 0
    withheld: tuple[str, ...] = ()
    coverage: Coverage = "no_knowledge"
    finish: FinishReason = "stop"
    stop_sequence: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    prompt_tokens: int = 0
    completion_tokens: int = 0
    label: Label = Label()

    @property
    def sources(self) -> tuple[Citation, ...]:
        """What a reader of the answer can open, by number: its citations, or else the closest sentences."""
        return self.citations or self.closest


Step = Annotated[
    UserMessage
    | MessageIntent
    | Retrieval
    | PartNotes
    | ToolChoice
    | ModelReply
    | ModelChange
    | ToolStarted
    | Delegation
    | ToolResult
    | ApprovalRequest
    | Approval
    | Cancelled
    | Error
    | Finished,
    Field(discriminator="kind"),
]

Log = tuple[Step, ...]

_ADAPTER: Final[TypeAdapter[Step]] = TypeAdapter(Step)


def load_step(data: dict[str, Any]) -> Step:
    """The step stored as `data` (with its `kind`). Raises pydantic.ValidationError on anything else."""
    return _ADAPTER.validate_python(data)
