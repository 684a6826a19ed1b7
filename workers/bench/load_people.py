"""The people of `bench load`, as Locust runs them: each sends a message, reads the answer as it comes, and thinks.

Locust patches Python's sockets when it is imported, so this file is for its process only. LOAD_FILE is a JSON file
with the cookies of each person and the GPT that they chat with; LOAD_KIND says whether people or flooders are run
here; TIMES_FILE gets what was measured.
"""

import itertools
import json
import os
import random
import time
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from locust import HttpUser, events, task

LOAD: Final[dict[str, Any]] = json.loads(Path(os.environ["LOAD_FILE"]).read_text("utf-8"))
# Seconds between an answer and the next message.
THINKS_S: Final = (10.0, 20.0)
# How long an impatient program waits after a refusal.
PAUSE_S: Final = 0.2
# Seconds until the first words of each answer, and how many messages were refused or not answered.
TIMES: Final[dict[str, Any]] = {"first_s": [], "document_s": [], "import_s": [], "refused": 0, "unanswered": 0}
KIND: Final = os.environ["LOAD_KIND"]
DOCUMENT: Final = json.dumps(
    {
        "openapi": "3.1.0",
        "info": {"title": "Stock", "version": "1"},
        "servers": [{"url": "https://example.org"}],
        "paths": {f"/stock/{n}": {"get": {"operationId": f"stock{n}", "summary": "Stock."}} for n in range(300)},
    }
)
_NUMBERS: Final = itertools.count()


class Chatting(HttpUser):
    """One browser of a person."""

    abstract = True

    def sign_in(self, person: dict[str, str]) -> None:
        self.client.cookies.update({name: person[name] for name in ("sessionid", "csrftoken")})
        self.key = {"Authorization": f"Bearer {person['key']}"}
        self.client.headers.update({"X-CSRFToken": person["csrftoken"], "Accept": "application/json"})
        self.chat = f"/g/{LOAD['slug']}/chat"

    def ask(self) -> bool:
        """Sends a message and reads the answer, as the page's script does. False if it was refused."""
        started = time.perf_counter()
        text = f"Tell me about animal number {next(_NUMBERS)}."
        sent = self._taken(self.chat, "send", data={"text": text})
        if sent is None:
            return False
        run = sent.json()
        self.chat = run["send"]
        first_s = self._read(run["run"], started)
        if first_s is None:
            TIMES["unanswered"] += 1
        else:
            TIMES["first_s"].append(first_s)
        self.client.get(f"/c/turn/{run['run']}", name="answer")
        return True

    def _read(self, run: str, started: float) -> float | None:
        first_s = None
        with self.client.get(f"/runs/{run}/events", stream=True, name="events", catch_response=True) as stream:
            for line in stream.iter_lines():
                if first_s is None and b'"token"' in line:
                    first_s = time.perf_counter() - started
        return first_s

    def read_document(self, slug: str) -> bool:
        """Has an OpenAPI document read. False if it was refused."""
        started = time.perf_counter()
        sent = {"json": {"document": DOCUMENT}, "headers": self.key}
        if self._taken(f"/api/gpts/{slug}/actions/preview", "document", **sent) is None:
            return False
        TIMES["document_s"].append(time.perf_counter() - started)
        return True

    def import_chats(self, n_chats: int, n_forks: int) -> bool:
        """Brings an export of new chats, and waits until it is read. False if it was refused."""
        started = time.perf_counter()
        export = EXPORTS[n_chats, n_forks].replace("@", f"{KIND}-{next(_NUMBERS)}-{started}-")
        files = {"file": ("conversations.json", export, "application/json")}
        taken = self._taken("/api/import", "import", files=files, headers=self.key)
        if taken is None:
            return False
        [row] = taken.json()["chats"]
        while row["status"] in ("waiting", "running"):
            time.sleep(PAUSE_S)
            row = self.client.get(f"/api/imports/{row['id']}", headers=self.key, name="imported").json()
        TIMES["import_s"].append(time.perf_counter() - started)
        return True

    def _taken(self, path: str, name: str, **sent: Any) -> Any:
        """The answer to what is posted; None, and counted, if it was refused."""
        with self.client.post(path, name=name, catch_response=True, **sent) as answer:
            if answer.status_code < HTTPStatus.MULTIPLE_CHOICES:
                return answer
            TIMES["refused"] += 1
            answer.failure(f"{answer.status_code}")
        return None


def exported(name: str, n_forks: int) -> dict[str, Any]:
    """A chat with so many answers to its only message, as ChatGPT exports it."""

    def node(id: str, parent: str | None, role: str, text: str) -> dict[str, Any]:
        content = {"content_type": "text", "parts": [text]}
        message = {"author": {"role": role}, "content": content, "create_time": 1.7e9, "recipient": "all"}
        return {"id": id, "parent": parent, "children": [], "message": message}

    answers = {f"a{n}": node(f"a{n}", "q", "assistant", f"Answer {n}.") for n in range(n_forks)}
    mapping = {"q": node("q", None, "user", "Why is my bread flat? " * 200), **answers}
    return {"conversation_id": name, "title": name, "mapping": mapping, "current_node": "a0", "create_time": 1.7e9}


# Made once: while this process makes one, it measures nobody's waiting. By chats and answers; "@" is to be unique.
_CHATS_OF_FLOODER: Final = (50, 100)
_CHATS_OF_PERSON: Final = (1, 2)
EXPORTS: Final = {
    (n_chats, n_forks): json.dumps([exported(f"@{n}", n_forks) for n in range(n_chats)])
    for n_chats, n_forks in (_CHATS_OF_FLOODER, _CHATS_OF_PERSON)
}


class Person(Chatting):
    """One of many people, who read before they write again."""

    abstract = KIND != "people"

    def on_start(self) -> None:
        self.sign_in(LOAD["people"].pop())
        self.random = random.Random(len(LOAD["people"]))  # the same in each part
        if LOAD["flood"] != "chats":
            gpt = self.client.post("/api/gpts", json={"name": "Own"}, headers=self.key, name="gpt").json()
            self.own = gpt["slug"]
        time.sleep(self.random.uniform(0, THINKS_S[1]))

    @task
    def chat_on(self) -> None:
        self.ask()
        if LOAD["flood"] != "chats":
            self.read_document(self.own)
            self.import_chats(*_CHATS_OF_PERSON)
        time.sleep(self.random.uniform(*THINKS_S))


class Flooder(Chatting):
    """One of many programs of the same person, which send whenever they can."""

    abstract = KIND != "flooders"

    def on_start(self) -> None:
        self.sign_in(LOAD["flooding"])
        self._facts = LOAD["flood_facts"]

    @task
    def flood(self) -> None:
        if not getattr(self, f"flood_{LOAD['flood']}")():
            time.sleep(PAUSE_S)

    def flood_chats(self) -> bool:
        return self.ask()

    def flood_imports(self) -> bool:
        return self.import_chats(*_CHATS_OF_FLOODER)

    def flood_openapi(self) -> bool:
        return self.read_document(self._facts["slug"])

    def flood_sources(self) -> bool:
        """Has one of many sources looked at, which never answers."""
        source = random.choice(self._facts["sources"])
        return self._flooded(f"sources/{source}/check")

    def flood_mail(self) -> bool:
        """Has a webhook called, which never answers. What is sent by mail waits in the same outbox."""
        return self._flooded(f"webhooks/{self._facts['hook']}/test")

    def flood_embeds(self) -> bool:
        """The first message of another visitor."""
        self.client.cookies.clear()
        sent = {"headers": {"Origin": self.host or ""}, "data": {"text": "Hello?"}}
        return self._taken(f"/embed/{self._facts['widget']}/visit/start", "flood", **sent) is not None

    def _flooded(self, path: str) -> bool:
        return self._taken(f"/api/gpts/{self._facts['slug']}/{path}", "flood", headers=self.key) is not None


@events.quitting.add_listener
def save(**_: Any) -> None:
    """Leaves the times for `bench load`."""
    Path(os.environ["TIMES_FILE"]).write_text(json.dumps(TIMES), "utf-8")
