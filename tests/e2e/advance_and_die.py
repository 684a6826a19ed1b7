"""Forks a worker for each line of its input, `RUN_ID QUEUE N EFFECT HOME`, and prints that worker's exit status.

The worker SIGKILLs itself right after its n-th append. RUN_ID "-" is whatever waits in the queue, taken in turns
until nothing does. N = 0 never dies, N = -1 dies in the middle of the call. The tool has the EFFECT read or write, or
asks the person in a form (asks), and each performance of it leaves a line in the file `performed` of the state
directory HOME. The engine, the index and the tool are scripted; the loop, the log and the processes are real.
"""

import os
import signal
import sys
from pathlib import Path
from uuid import UUID

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "platform")]

import django
import sklearn.feature_extraction.text  # noqa: F401 - once, and not in each worker that sorts a message
from django.conf import settings

django.setup()

from gpts.knowledge.documents import Passage
from gpts.runs.forms import Form, FormField
from gpts.runs.steps import Retrieval
from gpts.spec.tools import ToolSpec
from tests.e2e.dying import die_after
from tests.workers import advancing
from tests.workers.made_services import made_services
from workers.knowledge.content import SegmentInfo
from workers.runs import loop
from workers.tools import Tool, ToolContext, ToolOutput

LIMIT_S = 300
TEXT = "The seal kit of the Zephyr-9 is ZP-771."
PASSAGE = Passage(file_id="f", file_name="manual.md", segment="s", chunk=0, text=TEXT, start=0, end=len(TEXT))


def answer(messages):
    """A search of the files, if there are any; then a call; then, once its result is there, the answer."""
    results = [message.name for message in messages if message.role == "tool"]
    if "manual.md" in messages[0].content and not results:
        return '<tool_call>{"name": "search_files", "arguments": {"query": "Which seal kit?"}}</tool_call>'
    if "stock" in results:
        return "The seal kit of the Zephyr-9 is ZP-771."
    return '<tool_call>{"name": "stock", "arguments": {"part": "ZP-771"}}</tool_call>'


class Index:
    def n_tokens(self, refs):
        return 1_000_000  # too long for a prompt

    def part(self, ref, start, end):
        return PASSAGE

    def infos(self, refs):
        return tuple(SegmentInfo(ref.segment, "", 1, 0, 1_000_000) for ref in refs)

    def corrected(self, refs, text):
        return text

    def search(self, refs, query, budget_tokens, likely=""):
        return Retrieval(query=query, passages=(PASSAGE,), covered=True)


class Embedder:
    """Any two texts are alike."""

    def similarity(self, one, other):
        return [[1.0] * len(other)] * len(one)

    def letters_per_token(self, text):
        return 5.0


def perform(n: int, context: ToolContext | None = None) -> ToolOutput:
    """Leave a trace, as an effect would; with n = -1 the process is gone before it can say so."""
    with (Path(settings.GUILDHALL_HOME) / "performed").open("a") as file:
        file.write("once\n")
    if n == -1:
        os.kill(os.getpid(), signal.SIGKILL)
    if context and context.ask:
        field = FormField(name="shelf")
        return ToolOutput(f"3 left on {context.ask(Form(message='Which shelf?', fields=(field,))).answers}")
    return ToolOutput("3 left")


def work(run_id: str, queue: str, n: int, effect: str) -> None:
    """Advance the run, or all that wait, in this process."""
    asks = effect == "asks"
    stock = ToolSpec(name="stock", description="", parameters={"type": "object"}, effect="read" if asks else effect)
    loop.granted = lambda spec, _: {"stock": Tool(stock, lambda _, context: perform(n, context if asks else None))}
    if n > 0:
        die_after(n)
    its_services = made_services(answer, Index(), Embedder())
    if run_id == "-":
        while loop.advance_next(queue, lambda: its_services):
            pass
    else:
        advancing.advance(UUID(run_id), queue, lambda: its_services)


if __name__ == "__main__":
    for line in sys.stdin:
        run_id, queue, n, effect, home = line.split()
        worker = os.fork()
        if not worker:
            signal.alarm(LIMIT_S)
            settings.GUILDHALL_HOME = Path(home)
            work(run_id, queue, int(n), effect)
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]), flush=True)
