"""Git repositories over HTTPS: the files of one branch, without its history, read in a confined process."""

import base64
import json
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any, Final

from dulwich.client import AbstractHttpGitClient, default_user_agent_string
from dulwich.errors import GitProtocolError, NotGitRepository
from dulwich.object_store import MemoryObjectStore
from dulwich.objects import Blob, Commit, ObjectID, Tree
from dulwich.pack import PackData, PackInflater
from dulwich.protocol import ZERO_SHA
from dulwich.refs import Ref

from gpts.spec.sources import MOST_FILES, GitRepository
from workers.connectors import MOST_BYTES, Item, Reader, SourceError
from workers.egress import FetchLimits, fetch

# Of a branch as it is sent.
_PACK_BYTES: Final = 60_000_000
# What is no knowledge: the endings of programs' own files, pictures and archives.
_SKIPPED: Final = frozenset(
    "png jpg jpeg gif webp ico svg mp3 mp4 mov wav zip gz tar bz2 xz 7z jar whl exe dll so dylib bin woff woff2 ttf "
    "lock".split()
)


class _Client(AbstractHttpGitClient):
    """Git's HTTP protocol through the guarded client."""

    def __init__(self, url: str, reader: Reader, secret: str) -> None:
        super().__init__(url)
        self._reader = reader
        token = base64.b64encode(f"x-access-token:{secret}".encode()).decode()
        self._own = {"User-Agent": default_user_agent_string()} | (
            {"Authorization": f"Basic {token}"} if secret else {}
        )

    def _http_request(
        self, url: str, headers: Mapping[str, str] | None = None, data: Any = None, raise_for_status: bool = True
    ) -> tuple[Any, Any]:
        content = None if data is None else data if isinstance(data, bytes) else b"".join(data)
        asked = {name: value for name, value in (headers or {}).items() if name.lower() != "content-length"}
        response = fetch(
            *(url, self._reader.egress),
            method="GET" if content is None else "POST",
            headers={**self._own, **asked},
            content=content,
            limits=FetchLimits(_PACK_BYTES, timeout_s=120.0, silence_s=30.0),
            check=self._reader.check,
        )
        self._reader.spend(len(response.content))
        if response.status in (401, 403, 404):
            raise SourceError("There is no such repository, or it needs a token.")
        if response.status != 200:
            raise SourceError(f"The Git server returned an error (status {response.status}).")
        moved = response.url if response.url != url else ""
        return _Response(response.headers.get("content-type", ""), moved), BytesIO(response.content).read


class _Response:
    """What dulwich reads of a response."""

    def __init__(self, content_type: str, url: str) -> None:
        self.content_type, self.redirect_location, self.status = content_type, url, 200

    def close(self) -> None: ...


def repository(settings: GitRepository, secret: str, reader: Reader) -> Iterator[Item]:
    """The files of the branch below the folder. Nothing is loaded while the branch is where it was."""
    client = _Client(settings.url, reader, secret)
    try:
        commit, pack = _pack(client, settings)
    except (GitProtocolError, NotGitRepository, AssertionError, ValueError) as error:
        raise SourceError("The Git server did not answer as expected.") from error
    rows = json.loads(reader.isolated("git:files_here", pack, commit.decode(), settings.folder))
    if rows["n"] > MOST_FILES:
        raise SourceError(f"There are {rows['n']} files. Choose a folder with at most {MOST_FILES}.")
    for row in rows["files"]:
        name = row["path"].rpartition("/")[2]
        if row["size"] > MOST_BYTES:
            yield Item(row["path"], name, row["sha"], error=f"Larger than {MOST_BYTES // 1_000_000} MB.")
        elif reader.known.get(row["path"]) == row["sha"]:
            yield Item(row["path"], name, row["sha"])
        else:
            yield Item(row["path"], name, row["sha"], base64.b64decode(row["content"]))


def _pack(client: _Client, settings: GitRepository) -> tuple[bytes, bytes]:
    """The commit of the branch, and the pack with its files."""
    chosen: list[ObjectID] = []

    def wanted(refs: Mapping[Ref, ObjectID], depth: int | None = None) -> list[ObjectID]:
        name = Ref(f"refs/heads/{settings.branch}".encode() if settings.branch else b"HEAD")
        commit = refs.get(name)
        if commit is None or commit == ZERO_SHA:
            raise SourceError(
                f"There is no branch {settings.branch}." if settings.branch else "It has no branch yet."
            )
        chosen.append(commit)
        return [commit]

    pack = BytesIO()
    client.fetch_pack(b"", wanted, _Nothing(), pack.write, depth=1)
    return chosen[0], pack.getvalue()


class _Nothing:
    """Says that nothing is here yet."""

    def __init__(self) -> None:
        self.shallow: set[ObjectID] = set()

    def ack(self, sha: ObjectID) -> None: ...

    def nak(self) -> None: ...

    def __next__(self) -> None:
        return None

    next = __next__


def files_here(data: bytes, commit: str, folder: str) -> bytes:
    """The files of a commit below `folder` in a pack, as JSON. A pack can unpack to anything, of any size."""
    store = MemoryObjectStore()
    packed = PackData.from_file(BytesIO(data), store.object_format, len(data))
    for each in PackInflater.for_pack_data(packed, store.get_raw):
        store.add_object(each)
    top = store[ObjectID(commit.encode())]
    assert isinstance(top, Commit)
    rows = [
        {"path": path, "sha": sha.decode()} for path, sha in _walk(store, top.tree, "", folder.strip("/"), depth=0)
    ]
    kept = rows if len(rows) <= MOST_FILES else []
    for row in kept:
        blob = store[ObjectID(row["sha"].encode())]
        content = blob.as_raw_string() if isinstance(blob, Blob) else b""
        row["size"] = len(content)  # type: ignore[assignment]
        row["content"] = base64.b64encode(content).decode() if len(content) <= MOST_BYTES else ""
    return json.dumps({"n": len(rows), "files": kept}).encode()


def _walk(
    store: MemoryObjectStore, tree_id: ObjectID, path: str, folder: str, depth: int
) -> Iterator[tuple[str, ObjectID]]:
    """The paths and ids of files that may be knowledge: no links, submodules or hidden files."""
    tree = store[tree_id]
    if depth > 30 or not isinstance(tree, Tree):
        return
    for entry in tree.iteritems():
        name = entry.path.decode("utf-8", "replace")
        inner = f"{path}/{name}".lstrip("/")
        if name.startswith(".") or entry.mode is None or entry.sha is None:
            continue
        if entry.mode == 0o040000:
            if not folder or inner == folder or inner.startswith(folder + "/") or folder.startswith(inner + "/"):
                yield from _walk(store, entry.sha, inner, folder, depth + 1)
        elif (
            entry.mode in (0o100644, 0o100755)
            and (not folder or inner.startswith(folder + "/"))
            and name.rpartition(".")[2].lower() not in _SKIPPED
        ):
            yield inner, entry.sha
