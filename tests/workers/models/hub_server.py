"""A small hub on 127.0.0.1 that speaks Hugging Face's protocol, as far as downloads go.

Listings (`/api/models/<repo>/revision/<rev>?blobs=True`), files (`/<repo>/resolve/<rev>/<file>`), large ones by a
redirect to another origin ("localhost"), as to a CDN, with ranges there.
"""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

LARGE = 1_000_000  # bytes from which a file is stored by its SHA-256 (Git LFS)


@dataclass
class Repo:
    """A repository with one commit at a time. `gated`: files need the token."""

    files: dict[str, bytes]
    licence: str = "apache-2.0"
    commit: str = "1" * 40
    gated: bool = False
    past: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def at(self, revision: str) -> tuple[str, dict[str, bytes]] | None:
        if revision in ("main", self.commit):
            return self.commit, self.files
        return (revision, self.past[revision]) if revision in self.past else None


@dataclass
class HubServer:
    """What the hub has and does. `stall_after`: large files stop after so many bytes until `go_on` is set."""

    endpoint: str = ""
    repos: dict[str, Repo] = field(default_factory=dict)
    token: str = "hf_good"
    damaged: set[str] = field(default_factory=set)
    stall_after: int | None = None
    ignores_ranges: bool = False
    go_on: threading.Event = field(default_factory=threading.Event)
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def fetched(self) -> list[str]:
        """The names of the files asked for."""
        return [path.split("/resolve/")[1].split("/", 1)[1] for path, _ in self.seen if "/resolve/" in path]

    def ranges(self) -> list[str]:
        """The ranges asked for."""
        return [headers["range"] for path, headers in self.seen if "range" in headers and path.startswith("/cdn/")]


@contextmanager
def serving() -> Iterator[HubServer]:
    hub = HubServer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.go_on.set()
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.seen.append((path, {name.lower(): value for name, value in self.headers.items()}))
        if path.startswith("/api/models/"):
            repo, _, revision = path.removeprefix("/api/models/").partition("/revision/")
            self._listing(repo, revision)
        elif path.startswith("/cdn/"):
            self._content(path.removeprefix("/cdn/"))
        elif "/resolve/" not in path:
            self._send(200, b"<html>Welcome</html>", {})
        else:
            repo, _, rest = path.removeprefix("/").partition("/resolve/")
            self._file(repo, *rest.split("/", 1))

    def _listing(self, name: str, revision: str) -> None:
        repo = self.hub.repos.get(name)
        if repo is None:  # as the real one answers those who are not signed in
            self._refuse(404 if self._is_signed_in() else 401, "RepoNotFound")
        elif (found := repo.at(revision)) is None:
            self._refuse(404, "RevisionNotFound")
        else:
            commit, files = found
            siblings = [_sibling(each, content) for each, content in files.items()]
            card = {"license": repo.licence} if repo.licence else {}
            body = {"id": name, "sha": commit, "siblings": siblings, "gated": repo.gated, "cardData": card}
            self._send(200, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def _file(self, name: str, revision: str, file: str) -> None:
        repo = self.hub.repos[name]
        if repo.gated and not self._is_signed_in():
            self._refuse(403 if "authorization" in self.headers else 401, "GatedRepo")
            return
        found = repo.at(revision)
        assert found is not None
        content = found[1][file]
        if len(content) < LARGE:
            etag = _git_sha1(content)
            self._send(200, content, {"ETag": f'"{etag}"', "X-Repo-Commit": found[0]})
            return
        port = urlsplit(self.hub.endpoint).port
        sha256 = hashlib.sha256(content).hexdigest()
        linked = {"X-Linked-Size": str(len(content)), "X-Linked-Etag": f'"{sha256}"', "X-Repo-Commit": found[0]}
        place = f"http://localhost:{port}/cdn/{name}@{found[0]}/{file}"
        self._send(302, b"", {"Location": place, **linked})

    def _content(self, place: str) -> None:
        name, _, rest = place.partition("@")
        commit, _, file = rest.partition("/")
        found = self.hub.repos[name].at(commit)
        assert found is not None
        content = found[1][file]
        if file in self.hub.damaged:
            content = content[:-1] + b"?"
        start = 0
        if wanted := self.headers.get("Range") if not self.hub.ignores_ranges else None:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        stop = self.hub.stall_after
        if stop is not None and start < stop:
            self.wfile.write(content[start:stop])
            self.wfile.flush()
            self.hub.go_on.wait()
            start = stop
        self.wfile.write(content[start:])

    def _is_signed_in(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {self.hub.token}"

    def _refuse(self, status: int, code: str) -> None:
        self._send(status, b"{}", {"X-Error-Code": code})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _sibling(name: str, content: bytes) -> dict[str, object]:
    found: dict[str, object] = {"rfilename": name, "size": len(content), "blobId": _git_sha1(content)}
    if len(content) >= LARGE:
        sha256 = hashlib.sha256(content).hexdigest()
        found["lfs"] = {"sha256": sha256, "size": len(content), "pointerSize": 134}
    return found


def _git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
