"""A turn of a conversation as a worker goes through it, without a database."""

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any

from gpts.runs.decisions import CallModel, Finish, ReadFiles, ReadIntent, ReadPart, Retrieve
from gpts.runs.plan import decide
from gpts.runs.state import TurnState
from gpts.runs.steps import FileRef, Finished, Log, UserMessage
from gpts.spec.gpt import GptSpec
from workers.configuration import services
from workers.runs import answering, finishing, intents, reading, searching
from workers.runs.services import Services


def services_for(options: Mapping[str, Any]) -> Services:
    """The services of a worker; with `--write`, of one whose model writes answers."""
    own = services()
    if options["write"]:
        own.engine.learn({"writes_from_sources": True})
    return own


def add_write(parser: ArgumentParser) -> None:
    parser.add_argument("--write", action="store_true", help="let the model write the answers, whatever its ability")


def turn(
    spec: GptSpec,
    question: str,
    services: Services,
    history: Sequence[Log] = (),
    attachments: Sequence[FileRef] = (),
) -> tuple[Log, Finished]:
    """The steps of a turn after `history`, and its end. The GPT has no tools."""
    steps: Log = (UserMessage(text=question, attachments=tuple(attachments)),)
    ability = services.engine.ability()
    files = searching.whole_files(TurnState(spec, ability, steps, history, {}), services)
    while True:
        state = TurnState(spec, ability, steps, history, {}, whole_files=files)
        match decide(state):
            case ReadIntent():
                steps += (intents.message_intent(state, services, _unheard),)
            case ReadPart():
                steps += (reading.next_step(state, services, "", _unheard),)
            case ReadFiles():
                steps += (searching.outline(state, services),)
            case Retrieve(extracts):
                found = searching.retrieval(state, services)
                steps += (services.small.extract(found, state) if extracts else found,)
            case CallModel():
                steps += (answering.model_reply(state, services, _unheard),)
            case Finish() as decision:
                return steps, finishing.finished(decision, state, services, _unheard)
            case other:
                raise AssertionError(f"a GPT without tools came to {other}")


def _unheard(text: str) -> None:
    """Nobody follows a turn of a benchmark."""
