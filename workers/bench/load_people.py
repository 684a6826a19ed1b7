"""The people of `bench load`, as Locust runs them: each sends a message, reads the answer as it comes, and thinks.

Locust patches Python's sockets when it is imported, so this file is for its process only. LOAD_FILE is a JSON file
with the cookies of each person and the GPT that they chat with; TIMES_FILE gets what was measured.
"""

import itertools
import json
import os
import random
import time
from pathlib import Path
from typing import Any, Final

from locust import HttpUser, events, task

LOAD: Final[dict[str, Any]] = json.loads(Path(os.environ["LOAD_FILE"]).read_text("utf-8"))
# Seconds between an answer and the next message.
THINKS_S: Final = (10.0, 20.0)
# How long an impatient program waits after a refusal.
PAUSE_S: Final = 0.2
# Seconds until the first words of each answer, and how many messages were refused or not answered.
TIMES: Final[dict[str, Any]] = {
    kind: {"first_s": [], "refused": 0, "unanswered": 0} for kind in ("people", "flooders")
}
_NUMBERS: Final = itertools.count()


class Chatting(HttpUser):
    """One browser of a person."""

    abstract = True
    kind = ""

    def sign_in(self, person: dict[str, str]) -> None:
        self.client.cookies.update(person)
        self.client.headers.update({"X-CSRFToken": person["csrftoken"], "Accept": "application/json"})
        self.chat = f"/g/{LOAD['slug']}/chat"

    def ask(self) -> bool:
        """Sends a message and reads the answer, as the page's script does. False if it was refused."""
        started = time.perf_counter()
        text = f"Tell me about animal number {next(_NUMBERS)}."
        with self.client.post(self.chat, {"text": text}, name="send", catch_response=True) as sent:
            if sent.status_code != 200:
                TIMES[self.kind]["refused"] += 1
                sent.failure(f"{sent.status_code}")
                return False
            run = sent.json()
        self.chat = run["send"]
        first_s = self._read(run["run"], started)
        if first_s is None:
            TIMES[self.kind]["unanswered"] += 1
        else:
            TIMES[self.kind]["first_s"].append(first_s)
        self.client.get(f"/c/turn/{run['run']}", name="answer")
        return True

    def _read(self, run: str, started: float) -> float | None:
        first_s = None
        with self.client.get(f"/runs/{run}/events", stream=True, name="events", catch_response=True) as stream:
            for line in stream.iter_lines():
                if first_s is None and b'"token"' in line:
                    first_s = time.perf_counter() - started
        return first_s


class Person(Chatting):
    """One of many people, who read before they write again."""

    kind = "people"

    def on_start(self) -> None:
        self.sign_in(LOAD["people"].pop())
        self.random = random.Random(len(LOAD["people"]))  # the same in each part
        time.sleep(self.random.uniform(0, THINKS_S[1]))

    @task
    def chat_on(self) -> None:
        self.ask()
        time.sleep(self.random.uniform(*THINKS_S))


class Flooder(Chatting):
    """One of many programs of the same person, which send whenever they can."""

    kind = "flooders"
    abstract = not LOAD["flooders"]  # Locust takes a count of 0 for none given
    fixed_count = LOAD["flooders"]

    def on_start(self) -> None:
        self.sign_in(LOAD["flooding"])

    @task
    def flood(self) -> None:
        if not self.ask():
            time.sleep(PAUSE_S)


@events.quitting.add_listener
def save(**_: Any) -> None:
    """Leaves the times for `bench load`."""
    Path(os.environ["TIMES_FILE"]).write_text(json.dumps(TIMES), "utf-8")
