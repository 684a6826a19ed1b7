"""What a program gets of an answer, whatever the format: citations with URLs, facts about it, files and usage."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from ninja import Schema
from pydantic import Field

from gpts.knowledge.documents import Citation, SentenceSupport, Unit
from gpts.runs.logprobs import TokenLogprob
from gpts.runs.steps import (
    Cancelled,
    Coverage,
    Delegation,
    FileRef,
    Finished,
    Log,
    ModelReply,
    UserMessage,
)
from gpts.safety.labels import Origin
from web.api import history
from web.api.functions import CallOfFunction, calls_for_caller, made_calls
from web.runs.citations import source_url, where
from web.runs.events import made_files
from web.runs.models import Run
from web.runs.trees import Tokens, tokens_in, tree_of

# Of English text, by most tokenizers.
CHARS_PER_TOKEN: Final = 4

WITHHELD: Final = "Sentences left out of the answer; `withheld` are those that may be read."


class FileCitation(Schema):
    """The passage of a knowledge file or web page that supports the cited text; `start`/`end` index the file's text.

    `page` counts units of `unit`. `untrusted`: the GPT's creator accepted the passage in spite of a finding. `url`
    opens the passage for the person whose key it is, as long as the site keeps the run, or is that of the web page.
    """

    file_id: str
    filename: str
    page: int | None
    unit: Unit
    heading: str
    quote: str
    start: int
    end: int
    index: int
    untrusted: bool
    url: str


class TextCitation(FileCitation):
    """A citation of the answer: `start_index`/`end_index` are the cited range in characters, `text` its text."""

    text: str
    start_index: int
    end_index: int


class UrlCitation(Schema):
    """A citation as OpenAI's clients know it: the cited range of the answer, and the page that shows the passage."""

    url: str
    title: str
    start_index: int
    end_index: int


class CompletionDetails(Schema):
    """What the output tokens were used for; those of reasoning are estimated if the model's server doesn't count."""

    reasoning_tokens: int


class TokenUsage(Schema):
    """Input and output tokens of this answer."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    completion_tokens_details: CompletionDetails

    @classmethod
    def of(cls, tokens: Tokens) -> "TokenUsage":
        """These tokens in OpenAI's format."""
        details = CompletionDetails(reasoning_tokens=tokens.reasoning)
        return cls(
            prompt_tokens=tokens.prompt,
            completion_tokens=tokens.completion,
            total_tokens=tokens.both,
            completion_tokens_details=details,
        )


class Extras(Schema):
    """What OpenAI's format doesn't cover. `support`: how far files support each sentence of a finished answer.

    `coverage` is `not_covered` if the files don't, or may not, answer the question; the closest passages are then in
    `closest`, or in the citations if the answer quotes them. It is `no_knowledge` for small talk and for GPTs without
    files.
    """

    run_id: str
    gpt: str = Field(description="The GPT that answers: the model, or one that the last message begins with (@slug).")
    coverage: Coverage | None
    label: Origin | None = None
    citations: list[TextCitation] = []
    support: list[SentenceSupport] = []
    n_withheld: int = Field(0, description=WITHHELD)
    withheld: list[str] = []
    closest: list[FileCitation] = []
    files: list[FileRef] = Field([], description="Files created by the GPT's tools; see `GET /api/attachments/{id}`.")


@dataclass(frozen=True, slots=True)
class RunAnswer:
    """What `run` said by its log `steps`, for every format. `before`: characters that precede it in what was sent.

    `in_parallel`: it may have several calls of the caller's functions.
    """

    run: Run
    steps: Log
    said: Finished
    in_parallel: bool = True
    before: int = 0

    @property
    def finish(self) -> Literal["stop", "length", "tool_calls"]:
        """Why it ended, in OpenAI's terms."""
        if self.said.finish == "tool_calls":
            return "tool_calls"
        return "length" if self.said.finish in ("length", "deadline") else "stop"

    @property
    def calls(self) -> list[CallOfFunction]:
        """The calls for the caller to make."""
        return calls_for_caller(self.said.tool_calls, self.run.id.hex, self.in_parallel)

    def keep(self, text: str) -> None:
        """Recognise it when it comes back as `text`, unless it was stopped: its label is unknown then."""
        if isinstance(self.steps[-1], Finished):
            calls = made_calls(self.said.tool_calls, self.in_parallel)
            history.keep_reply(self.run, text, self.said, calls)

    @property
    def logprobs(self) -> tuple[TokenLogprob, ...]:
        """How likely its tokens were, if that was asked and a model wrote it, or its beginning."""
        last = next((step for step in reversed(self.steps) if isinstance(step, ModelReply)), None)
        return last.logprobs if last and last.text and self.said.text.startswith(last.text) else ()

    @property
    def reasoning(self) -> str | None:
        """What the model reasoned in the run; None if nothing."""
        thoughts = (step.reasoning for step in self.steps if isinstance(step, ModelReply) and step.reasoning)
        return "\n\n".join(thoughts) or None

    @property
    def citations(self) -> list[TextCitation]:
        """Its citations, with all that is known of them."""
        return [
            TextCitation(
                text=self.said.text[each.answer_start : each.answer_end],
                start_index=self.before + each.answer_start,
                end_index=self.before + each.answer_end,
                **_facts(self.run, number, each),
            )
            for number, each in enumerate(self.said.citations)
        ]

    @property
    def url_citations(self) -> list[UrlCitation]:
        """The same as OpenAI's clients know them."""
        named = ((each.file_name, where(each)) for each in self.said.citations)
        titles = (", ".join(filter(None, names)) for names in named)
        return [
            UrlCitation(title=title, **each.model_dump()) for title, each in zip(titles, self.citations, strict=True)
        ]

    @property
    def extras(self) -> Extras:
        """What OpenAI's format doesn't cover of it."""
        closest = [FileCitation(**_facts(self.run, number, each)) for number, each in enumerate(self.said.closest)]
        return Extras(
            run_id=str(self.run.id),
            gpt=self.run.gpt.slug,
            label=self.said.label.origin,
            citations=self.citations,
            closest=closest,
            files=made_files(self.steps),
            **{name: getattr(self.said, name) for name in ("coverage", "support", "n_withheld", "withheld")},
        )


def _facts(run: Run, number: int, citation: Citation) -> dict[str, Any]:
    same = citation.model_dump(include={*FileCitation.model_fields} - {"url"})
    return {
        "filename": citation.file_name,
        "index": citation.tag,
        "url": source_url(run.id, number, citation),
        **same,
    }


def usage_of(*answers: RunAnswer) -> TokenUsage:
    """The tokens of all of them together."""
    return TokenUsage.of(sum((tokens_of(each.run, each.steps) for each in answers), Tokens()))


def tokens_of(run: Run, log: Log) -> Tokens:
    """The tokens of all replies of the run and its child runs, and of an answer that no model wrote."""
    delegates = any(isinstance(step, Delegation) for step in log)
    tokens = tree_of(run).total if delegates else tokens_in(log)
    match log[-1]:
        case Finished() as end:
            tokens += Tokens(end.prompt_tokens, end.completion_tokens)
        case Cancelled(text=text) if text:
            tokens += _estimated(log, text)
    return tokens


def _estimated(log: Log, text: str) -> Tokens:
    """About how many tokens the reply took that was stopped: its engine's count is lost."""
    first = log[0]
    assert isinstance(first, UserMessage)
    known = next((step for step in reversed(log) if isinstance(step, ModelReply)), None)
    if known and known.text.startswith(text):
        return Tokens()
    return Tokens(estimated_prompt(first), max(1, len(text) // CHARS_PER_TOKEN))


def estimated_prompt(first: UserMessage) -> int:
    """About how many tokens a program's messages take; the model's own count comes with its reply."""
    texts = (each.content for each in (*first.earlier, *first.later))
    tools = (tool.model_dump_json() for tool in first.overrides.functions)
    said = sum(map(len, (first.text, *texts, *tools)))
    return max(1, said // CHARS_PER_TOKEN)
