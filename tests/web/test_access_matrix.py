"""Who gets what at every address, by access_matrix.txt, and that nothing sent back holds words of other people."""

import io
import logging
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings as django_settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.views import defaults

from gpts.knowledge.sections import Section
from tests.web.access_scene import PROTOCOLS, Scene, build, word
from web import rpc, urls
from web.accounts.models import User
from web.api.native import native
from web.api.v1 import v1
from web.runs import citations, connections
from web.runs.citations import ShownPage, SourceView

KEPT_ALIVE: Final = b": still here\n\n"
METHODS: Final = ("GET", "POST", "PATCH", "DELETE")  # and PUT where a row has it
MACHINES: Final = ("/api/", "/v1/", "/a2a/", "/mcp", "/scim/")
CONSOLE: Final = ("/admin/", "/api/operate/people", "/api/operate/groups", "/api/operate/audit")
ONLY_KEYS: Final = ("/v1/", "/a2a/", "/mcp", "/scim/")
# States of what nobody was invited to: to it, all others are what Bob is.
UNSHARED: Final = ("private", "store", "gone", "deleted", "unknown")
# Under /api, but not with a key: one that leaks makes no further keys and shuts nobody out.
ONLY_SESSIONS: Final = (
    ("POST", "/api/keys"),
    ("DELETE", "/api/keys/<key_id>"),
    ("DELETE", "/api/programs/<grant_id>"),
    ("DELETE", "/api/sessions"),
    ("DELETE", "/api/sessions/<session_id>"),
)


@dataclass(frozen=True)
class Table:
    """access_matrix.txt: what each policy gives each role, who may be shown each secret, and the rows.

    A row has for each method of a route its policy, and the status for those who may.
    """

    policies: dict[str, dict[str, str]]
    secrets: dict[str, set[str]]
    rows: dict[str, dict[str, tuple[str, int]]]

    def may(self, cell: "Cell") -> bool:
        """Whether the answer to `cell` is that of the row."""
        return cell.method in self.rows[cell.route] and self._given(cell, cell.method) == "yes"

    def statuses(self, cell: "Cell") -> set[int]:
        """What may be answered."""
        row = self.rows[cell.route]
        if cell.method not in row:  # refused before or after it is known who asks
            return {405} | {int(given) for method in row if (given := self._given(cell, method)) != "yes"}
        given, status = self._given(cell, cell.method), row[cell.method][1]
        if given != "yes":
            return {int(given)}
        return {status, *range(200, 500)} if cell.state else {status}

    def _given(self, cell: "Cell", method: str) -> str:
        policy = self.rows[cell.route][method][0]
        given = self.policies.get(f"{policy}:{cell.state}", self.policies[policy])[cell.counts_as]
        return {"sign-in": "401" if cell.route.startswith(MACHINES) else "302"}.get(given, given)


def read_table() -> Table:
    """The table in the file beside this one."""
    sections: dict[str, list[list[str]]] = {}
    for line in Path(__file__).with_name("access_matrix.txt").read_text().splitlines():
        if line.startswith("["):
            lines = sections.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            lines.append(line.split())
    (_, *roles), *policies = sections.pop("policies")
    secrets = {name: set(roles if people == ["everyone"] else people) for name, *people in sections.pop("secrets")}
    rows: dict[str, dict[str, tuple[str, int]]] = {}
    for policy, lines in sections.items():
        for route, *answers in lines:
            for method, status in zip(answers[::2], answers[1::2], strict=True):
                rows.setdefault(route, {})[method] = (policy, int(status))
    return Table({name: dict(zip(roles, given, strict=True)) for name, *given in policies}, secrets, rows)


TABLE: Final = read_table()
ROLES: Final = ("stranger", "viewer", "chatter", "editor", "owner", "operator")
HIGHEST: Final = ("chatter", "owner", "operator")  # whose the things are, and whose the site is


def routes(patterns: list[URLPattern | URLResolver], before: str = "/") -> Iterator[str]:
    """Yield every route of the site, in the form of `path` and without the types of its parameters."""
    for pattern in patterns:
        named = re.sub(r"\(\?P(<\w+>)[^()]*(\([^()]*\))?[^()]*\)", r"\1", str(pattern.pattern).strip("^$"))
        route = before + re.sub(r"<\w+:", "<", named.replace("(?:/.*)?", "/<rest>"))
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route


def operations() -> Iterator[tuple[str, str]]:
    """Yield method and route of every operation of both APIs."""
    for api in (v1, native):
        for path, methods in api.get_openapi_schema()["paths"].items():
            yield from ((method.upper(), path.replace("{", "<").replace("}", ">")) for method in methods)


def test_every_route_has_a_row_and_every_row_a_route():
    assert set(TABLE.rows) == set(routes(get_resolver().url_patterns))


def test_every_operation_of_the_apis_has_its_answer_in_a_row():
    found = set(operations())
    paths = {route for _, route in found}
    assert found == {(method, route) for route in paths for method in TABLE.rows[route]}


@dataclass(frozen=True)
class Cell:
    """One request: whose session or API key it carries, and as whom it must count."""

    method: str
    route: str
    counts_as: str
    session: str = ""
    key: str = ""
    state: str = ""


def cells(scene: Scene) -> Iterator[Cell]:
    """Yield every cell of the table: all people by session and by key, and objects in other states."""
    for route, row in TABLE.rows.items():
        yield from (cell for method in row for cell in with_sessions(method, route, ROLES))
        yield from (cell for method in METHODS if method not in row for cell in with_sessions(method, route, HIGHEST))
        yield from (cell for method in row for cell in (*with_keys(method, route), *suspended(method, route)))
        yield from (
            cell for method in row for state in scene.states(route) for cell in of_state(method, route, state)
        )


def takes_only_keys(route: str) -> bool:
    """Whether a session opens nothing there. The chat page sends what it hears to /v1/audio."""
    return route.startswith(ONLY_KEYS) and not route.startswith("/v1/audio/")


def with_sessions(method: str, route: str, roles: Iterable[str]) -> Iterator[Cell]:
    """Yield requests of people in their browsers, and of nobody. A session opens no API that is for keys alone."""
    yield Cell(method, route, "anonymous")
    for role in roles:
        yield Cell(method, route, "anonymous" if takes_only_keys(route) else role, session=role)


def with_keys(method: str, route: str) -> Iterator[Cell]:
    """Yield requests of all people's programs. A key opens no page, and none that was revoked or expired anything."""
    is_machine = route.startswith(MACHINES)
    for role in ROLES if is_machine else may_more(method, route)[-1:]:
        opens = is_machine and (method, route) not in ONLY_SESSIONS
        yield Cell(method, route, role if opens else "anonymous", key=role)
    for key in ("revoked", "expired") if is_machine else ():
        yield Cell(method, route, "anonymous", key=key)


def suspended(method: str, route: str) -> Iterator[Cell]:
    """Yield requests of people who might, were they not suspended."""
    may = may_more(method, route) or ["owner"]
    for role in {may[0], may[-1]}:
        yield Cell(method, route, "suspended", session=role)
        if route.startswith(MACHINES):
            yield Cell(method, route, "suspended", key=role)


def may_more(method: str, route: str) -> list[str]:
    """The roles of those who may, where not everyone may."""
    may = [role for role in ("anonymous", *ROLES) if TABLE.may(Cell(method, route, role))]
    return [] if "anonymous" in may else may


def of_state(method: str, route: str, state: str) -> Iterator[Cell]:
    """Yield requests of all people about an object in another state."""
    yield Cell(method, route, "anonymous", state=state)
    for role in HIGHEST if state in UNSHARED else ROLES:
        door = {"key": role} if takes_only_keys(route) else {"session": role}
        yield Cell(method, route, role, state=state, **door)


def shown_to(cell: Cell) -> str:
    """Who reads the answer. Operators read more in their console, and over /api of its people, than elsewhere."""
    return "console" if cell.counts_as == "operator" and cell.route.startswith(CONSOLE) else cell.counts_as


class Site:
    """Sends requests, and takes back what they change."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self._client = scene, Client()
        self._sessions: dict[str, str] = {}
        for role, person in scene.people.items():
            self._client.force_login(person)
            self._sessions[role] = self._client.cookies["sessionid"].value
            self._client.cookies.clear()

    def ask(self, cell: Cell) -> tuple[int, str]:
        """The status, and everything that is sent back."""
        path = self.scene.path(cell.route, cell.state)
        self._client.cookies.clear()
        if cell.session:
            self._client.cookies["sessionid"] = self._sessions[cell.session]
        headers = {"Authorization": f"Bearer {self.scene.keys[cell.key]}"} if cell.key else {}
        headers |= PROTOCOLS.get(cell.route.split("/")[1], {})
        # No worker answers here: this is the last check before a run begins.
        django_settings.MAX_ACTIVE_RUNS = 0 if cell.route.startswith("/v1") else 32
        with transaction.atomic():
            if cell.counts_as == "suspended":
                User.objects.update(is_active=False)
            response = self._send(cell, path, headers)
            text = sent(response)
            transaction.set_rollback(True)
        return response.status_code, text.replace(path, "")

    def _send(self, cell: Cell, path: str, headers: dict[str, str]) -> Any:
        send, body = getattr(self._client, cell.method.lower()), self.scene.body(cell.method, cell.route, cell.state)
        if cell.method in ("GET", "DELETE"):
            return send(path, headers=headers)
        if cell.route.startswith(MACHINES) and "file" not in body:
            return send(path, body, content_type="application/json", headers=headers)
        return send(path, body if cell.method == "POST" else "", headers=headers)


def sent(response: Any) -> str:
    """The headers and the body of a response, also if it is a stream."""
    body = async_to_sync(collected)(response) if getattr(response, "is_async", False) else response.getvalue()
    if response.headers.get("Content-Type") == "application/zip":
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            body = b"\n".join(name.encode() + b"\n" + archive.read(name) for name in archive.namelist())
    return f"{response.headers}\n{body.decode(errors='replace')}"


async def collected(response: Any) -> bytes:
    """The first parts of a stream, which has no end while a run waits."""
    body = b""
    async with aclosing(aiter(response)) as parts:
        async for part in parts:
            body += part
            if part == KEPT_ALIVE:
                break
    return body


def not_found_once() -> Callable[[HttpRequest, Exception], HttpResponse]:
    """Gives everybody the page of what is not there, which is made once for each, and adds what is said of it."""
    pages: dict[Any, bytes] = {}

    def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
        if request.user.pk not in pages:
            pages[request.user.pk] = defaults.page_not_found(request, exception).content
        return HttpResponseNotFound(pages[request.user.pk] + repr(exception).encode())

    return page_not_found


@pytest.fixture
def site(db, settings, monkeypatch, tmp_path) -> Iterator[Site]:
    """The site with all objects of the matrix. Asynchronous views use the test's connection, to be rolled back."""
    settings.MEDIA_ROOT = tmp_path
    settings.ACCOUNT_RATE_LIMITS = settings.MFA_RATE_LIMITS = False
    settings.MAX_ACTIVE_RUNS = 32
    settings.EMAIL_HOST, settings.ENGINE = "mail.example.org", "hf"
    monkeypatch.setattr(connections, "sync_to_async", lambda query, thread_sensitive=True: sync_to_async(query))
    for module in (connections, rpc):
        monkeypatch.setattr(module, "close_old_connections", lambda: None)
    monkeypatch.setattr(connections.connections, "close_all", lambda: None)
    monkeypatch.setattr(urls, "handler404", not_found_once(), raising=False)
    page = SourceView(section=Section(parts=()), pages=(ShownPage(page=1, width=1, height=1),))
    monkeypatch.setattr(citations, "call_for", lambda *_, **__: page.model_dump(mode="json"))
    logging.disable(logging.CRITICAL)
    yield Site(build())
    logging.disable(logging.NOTSET)


def test_nobody_gets_more_than_the_table_says(site):
    wrong, leaks, unseen = (
        [],
        [],
        {(name, role) for name, roles in TABLE.secrets.items() for role in roles - {"suspended"}},
    )
    for cell in cells(site.scene):
        status, text = site.ask(cell)
        if status not in TABLE.statuses(cell):
            wrong.append((status, cell))
        shown = {(name, shown_to(cell)) for name in TABLE.secrets if word(name) in text}
        leaks += [(name, cell) for name, role in shown if not {role, cell.counts_as} & TABLE.secrets[name]]
        unseen -= shown
    assert wrong == []
    assert leaks == []
    assert unseen == set()  # else it would say nothing that others are not shown it
