"""What the sentences of an answer may rest on: files, results of calls, and what was said."""

from collections.abc import Iterable
from typing import Final

from gpts.knowledge.documents import Passage
from gpts.knowledge.sentences import sentence_spans
from gpts.runs.delegation import answers_in
from gpts.runs.left_out import supported_text
from gpts.runs.state import TurnState
from gpts.runs.steps import Finished, Intent, UserMessage
from gpts.spec.gpt import GptSpec
from workers.runs.services import Services

# Characters of a conversation, the newest, on which an answer may rest: they are looked through at 0.1 MB a second.
SAID_CHARS: Final = 400_000


def known(state: TurnState) -> tuple[Passage, ...]:
    """What the names and figures of an answer may come from: the files, results of calls, and all that was said."""
    return (*state.passages(), *results_as_passages(state), _everything_said(state))


def results_as_passages(state: TurnState) -> tuple[Passage, ...]:
    """What calls returned as plain text, which supports sentences like a file but cannot be opened like one.

    First of these, the answers of other GPTs.
    """
    return answers_in(state.steps) + tuple(
        Passage(file_id="", file_name="", segment="", chunk=n, text=text, start=0, end=len(text), untrusted=True)
        for n, text in enumerate(state.results())
    )


def asked(state: TurnState, services: Services) -> Intent:
    """What the message asks for, as the model took it, or else as code reads it."""
    told = state.intent()
    return told.intent if told and told.intent != "question" else services.small.asks_for(state)


def said(state: TurnState) -> Passage:
    """What a sentence may rest on without a file: what the creator and the person stated.

    What a question supposes ("is it true that ...") is not stated, nor are earlier answers.
    """
    spec, sentences = state.spec, []
    for message in _messages(state):
        spans = (message.text[span.start : span.end] for span in sentence_spans(message.text))
        sentences += [each for each in spans if not each.rstrip('"”»').endswith(("?", "？"))]
        sentences += message.background.remembered
    return _as_passage(spec, sentences)


def _everything_said(state: TurnState) -> Passage:
    spec, steps = state.spec, [step for log in (*state.history, state.steps) for step in log]
    messages = _messages(state)
    earlier = (each.content for message in messages for each in reversed(message.earlier))
    answers = (supported_text(step) for step in reversed(steps) if isinstance(step, Finished))
    remembered = (text for message in messages for text in message.background.remembered)
    days = state.user_message().background.days()
    texts = (each.text for each in messages)
    return _as_passage(spec, (spec.instructions, *remembered, days, *texts, *earlier, *answers))


def _messages(state: TurnState) -> list[UserMessage]:
    """The person's messages, the newest first."""
    steps = [step for log in (*state.history, state.steps) for step in log]
    return [step for step in reversed(steps) if isinstance(step, UserMessage)]


def _as_passage(spec: GptSpec, texts: Iterable[str]) -> Passage:
    """The GPT's own description, and then the first of these texts."""
    text = "\n\n".join((f"I am {spec.name}, an AI assistant.", spec.description, *texts))[:SAID_CHARS]
    return Passage(file_id="", file_name=spec.name, segment="", chunk=0, text=text, start=0, end=len(text))
