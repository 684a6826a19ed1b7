"""`manage.py ask SLUG "question"`: one turn against the running site, over HTTP like any other program."""

import json
import os
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from web.accounts.models import User
from web.accounts.services import create_key, revoke_key

# Seconds; a busy model may take long between two pieces of an answer.
TIMEOUT: Final = httpx.Timeout(120, connect=5)


@dataclass(slots=True)
class ReceivedAnswer:
    """The response to one question. Times in milliseconds from sending it."""

    answer: str = ""
    citations: list[dict[str, Any]] = field(default_factory=list)
    usage: dict[str, int] | None = None
    run_id: str = ""
    first_token_ms: int = 0
    total_ms: int = 0


class Command(BaseCommand):
    help = "Asks a GPT on the running site and prints the answer, citations, steps and time to first token."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the GPT's slug, as in its URL")
        parser.add_argument("question")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
        parser.add_argument("--key", help="API key (default: GUILDHALL_KEY, or a new one for this question)")
        parser.add_argument("--url", default=settings.SITE_URL, help="URL of the site (default: %(default)s)")

    def handle(self, *, slug: str, question: str, json: bool, key: str | None, url: str, **_: Any) -> None:
        """Ask, and print the answer. Raises CommandError with a sentence that says what to do."""
        try:
            with usable_key(key) as secret, site(url, secret) as client:
                received = self._listen(client, slug, question, quiet=json)
                steps = read_run(client, received.run_id)["steps"]
        except httpx.ConnectError:
            raise CommandError(f"Can't connect to {url}. Start the site with ./deploy/up, or give --url.") from None
        except httpx.HTTPError as error:
            raise CommandError(f"The site at {url} stopped responding: {error or type(error).__name__}.") from None
        self._print_json(received, steps) if json else self._print_rest(received, steps)

    def _listen(self, client: httpx.Client, slug: str, question: str, quiet: bool) -> ReceivedAnswer:
        received, started = ReceivedAnswer(), time.monotonic()
        for chunk in chunks(client, slug, question):
            text = take(received, chunk)
            if text and not received.first_token_ms:
                received.first_token_ms = round((time.monotonic() - started) * 1000)
            if not quiet:
                self.stdout.write(text, ending="")
                self.stdout.flush()
        received.total_ms = round((time.monotonic() - started) * 1000)
        return received

    def _print_rest(self, received: ReceivedAnswer, steps: list[dict[str, Any]]) -> None:
        self.stdout.write("\n")
        for citation in unique_citations(received):
            page = f", page {citation['page']}" if citation["page"] else ""
            self.stdout.write(f"\n[{citation['index']}] {citation['filename']}{page}: “{citation['quote']}”")
        kinds = " → ".join(step["kind"] for step in steps)
        self.stdout.write(f"\nSteps: {kinds}")
        seconds = (
            f"{received.first_token_ms / 1000:.2f} s to the first token, {received.total_ms / 1000:.2f} s in all"
        )
        tokens = f", {received.usage['completion_tokens']} tokens" if received.usage else ""
        self.stdout.write(seconds + tokens)

    def _print_json(self, received: ReceivedAnswer, steps: list[dict[str, Any]]) -> None:
        result = {
            "answer": received.answer,
            "citations": received.citations,
            "steps": steps,
            "first_token_ms": received.first_token_ms,
            "total_ms": received.total_ms,
            "usage": received.usage,
        }
        self.stdout.write(json.dumps(result, ensure_ascii=False))


@contextmanager
def usable_key(given: str | None) -> Iterator[str]:
    """The given key, or else a new one of the first operator in this machine's database, revoked afterwards."""
    if secret := given or os.environ.get("GUILDHALL_KEY"):
        yield secret
        return
    operator = User.objects.filter(is_staff=True, is_active=True).order_by("id").first()
    if operator is None:
        raise CommandError("There is no admin account to use. Pass an API key with --key or GUILDHALL_KEY.")
    key, secret = create_key(operator, "manage.py ask")
    try:
        yield secret
    finally:
        revoke_key(operator, key.id)


@contextmanager
def site(url: str, secret: str) -> Iterator[httpx.Client]:
    """An HTTP client for the site at `url`."""
    headers = {"Authorization": f"Bearer {secret}"}
    with httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT, trust_env=False) as client:
        yield client


def chunks(client: httpx.Client, slug: str, question: str) -> Iterator[dict[str, Any]]:
    """Yield the chunks of the streamed answer. Raises CommandError with the site's error message."""
    body = {
        "model": slug,
        "messages": [{"role": "user", "content": question}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    with client.stream("POST", "/v1/chat/completions", json=body) as response:
        if response.is_error:
            response.read()
            raise CommandError(reason(response))
        for line in response.iter_lines():
            if line.startswith("data: {"):
                chunk = json.loads(line.removeprefix("data: "))
                if "error" in chunk:
                    raise CommandError(chunk["error"]["message"])
                yield chunk


def take(received: ReceivedAnswer, chunk: dict[str, Any]) -> str:
    """The text in `chunk`, after adding it to `received`."""
    received.usage = chunk.get("usage") or received.usage
    if not chunk["choices"]:
        return ""
    delta = chunk["choices"][0]["delta"]
    text: str = delta.get("content") or ""
    received.answer += text
    received.citations = chunk["guildhall"].get("citations") or received.citations
    received.run_id = chunk["guildhall"]["run_id"]
    return text


def read_run(client: httpx.Client, run_id: str) -> dict[str, Any]:
    """The run behind the answer, with its steps."""
    response = client.get(f"/api/runs/{run_id}")
    if response.is_error:
        raise CommandError(reason(response))
    run: dict[str, Any] = response.json()
    return run


def reason(response: httpx.Response) -> str:
    """The site's error message, or the status."""
    try:
        return str(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"The site answered with {response.status_code}. Is this a Guildhall site?"


def unique_citations(received: ReceivedAnswer) -> list[dict[str, Any]]:
    """The cited passages by number, each once."""
    by_index = {each["index"]: each for each in reversed(received.citations)}
    return [by_index[index] for index in sorted(by_index)]
