"""GPTs that ask each other, and one worker with one thread that advances whatever is woken."""

from collections.abc import Callable
from uuid import UUID

from gpts.runs.messages import PromptMessage
from gpts.runs.steps import Log, Retrieval
from gpts.spec.ability import ModelAbility
from tests.publishing import publish
from tests.workers import advancing
from tests.workers.made_services import made_services
from web.accounts.models import User
from web.builder.models import DelegateRow, Gpt
from web.builder.models_access import Sharing
from web.builder.reviews import published_texts
from web.builder.services import create_gpt
from web.runs import log
from web.runs.models import Run
from web.runs.services import start_conversation, start_run
from workers.engine.scripted import CAPABLE
from workers.runs.services import Services

Script = dict[str, Callable[[list[PromptMessage]], str]]


class Index:
    def n_tokens(self, refs):
        return 1_000_000  # too long for a prompt

    def corrected(self, refs, text):
        return text

    def search(self, refs, query, budget_tokens, likely=""):
        return Retrieval(query=query)


class Embedder:
    def similarity(self, one, other):
        return [[0.0] * len(other)] * len(one)

    def letters_per_token(self, text):
        return 5.0


def make_gpt(owner: User, name: str, *delegates: Gpt, sharing: str = Sharing.STORE, **fields) -> Gpt:
    """A published GPT that may ask the others."""
    gpt = create_gpt(owner, {"name": name, "description": f"Knows {name}.", **fields})
    for delegate in delegates:
        DelegateRow.objects.create(gpt=gpt, delegate=delegate, seen=published_texts(delegate))
    publish(gpt, sharing)
    return gpt


def ask(user: User, gpt: Gpt, text: str = "How much is the tax?") -> Run:
    """The queued run of a question."""
    return start_run(start_conversation(user, gpt), text)


def call(tool: str, task: str) -> str:
    """A call as the scripted model writes it."""
    return f'<tool_call>{{"name": "{tool}", "arguments": {{"task": "{task}"}}}}</tool_call>'


def asks(*calls: str) -> Callable[[list[PromptMessage]], str]:
    """A model that first makes the calls and then repeats what they gave."""

    def reply(messages: list[PromptMessage]) -> str:
        answers = [message.content for message in messages if message.role == "tool"]
        return f"I hear: {' / '.join(answers)}" if answers else "".join(calls)

    return reply


def says(text: str) -> Callable[[list[PromptMessage]], str]:
    """A model that always answers the same."""
    return lambda messages: text


def scripted_services(script: Script, router=None, ability: ModelAbility = CAPABLE) -> Services:
    """A worker's runtime whose model answers as the script says for the GPT that it plays."""

    def reply(messages: list[PromptMessage]) -> str:
        name = messages[0].content.split(",")[0].removeprefix("You are ")
        return script[name](messages)

    return made_services(reply, Index(), Embedder(), ability, router)


class Worker:
    """Advances woken runs one after the other: a model worker and a tools worker of concurrency 1."""

    def __init__(self, sent_tasks: list[tuple[str, str, str]], its_services: Services) -> None:
        self.sent, self.scripted_services, self.n_advanced = sent_tasks, its_services, 0

    def step(self) -> bool:
        """Advance the run that was woken first; False if none was."""
        while self.sent:
            name, run_id, queue = self.sent.pop(0)
            if name == "workers.tasks.advance":
                advancing.advance(UUID(run_id), queue, lambda: self.scripted_services)
                self.n_advanced += 1
                return True
        return False

    def drain(self) -> None:
        """Advance until nothing is woken any more."""
        while self.step():
            assert self.n_advanced < 200, "the runs wake each other for ever"


def kinds(run: Run) -> list[str]:
    """The kinds of the steps in the log of the run."""
    return [step.kind for step in log.read(run.id)]


def last(run: Run) -> Log:
    """The last step of the run."""
    return log.read(run.id)[-1]
