"""A real Git repository behind dulwich's own HTTP server."""

import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from dulwich import porcelain
from dulwich.repo import Repo
from dulwich.server import DictBackend
from dulwich.web import make_wsgi_chain

from gpts.spec.sources import GitRepository
from tests.workers.connectors.conftest import by_key
from workers.connectors import Reader, SourceError, git
from workers.egress import EgressConfig


class Quiet(WSGIRequestHandler):
    def log_message(self, *args: object) -> None: ...


@pytest.fixture
def hosted(tmp_path):
    """A repository and its address."""
    repo = Repo.init(str(tmp_path / "handbook"), mkdir=True, default_branch=b"main")
    server = make_server("127.0.0.1", 0, make_wsgi_chain(DictBackend({"/handbook": repo})), handler_class=Quiet)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield repo, f"http://127.0.0.1:{server.server_port}/handbook"
    server.shutdown()
    server.server_close()


def commit(repo, **files: str) -> None:
    for name, text in files.items():
        path = name.replace("__", "/").replace("_", ".")
        target = repo.path + "/" + path
        import os

        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w") as file:
            file.write(text)
        porcelain.add(repo, [target])
    porcelain.commit(repo, message=b"x", author=b"A <a@example.org>", committer=b"A <a@example.org>")


def reader(url: str, known=None) -> Reader:
    return Reader(EgressConfig(allow=(url.split("/")[2],)), known or {})


def test_files_of_a_branch_come_once_and_again_when_they_change(hosted):
    repo, url = hosted
    commit(repo, docs__fees_md="12 euros", docs__deep__rules_txt="Be kind", readme_md="Read me", logo_png="x")
    found = by_key(git.repository(GitRepository(url=url), "", reader(url)))
    assert {key: item.content for key, item in found.items()} == {
        "docs/fees.md": b"12 euros",
        "docs/deep/rules.txt": b"Be kind",
        "readme.md": b"Read me",
    }
    assert found["docs/deep/rules.txt"].name == "rules.txt"
    known = {key: item.version for key, item in found.items()}
    commit(repo, docs__fees_md="13 euros")
    again = by_key(git.repository(GitRepository(url=url, folder="docs"), "", reader(url, known)))
    assert {key: item.content for key, item in again.items()} == {
        "docs/fees.md": b"13 euros",
        "docs/deep/rules.txt": None,
    }
    branch = by_key(git.repository(GitRepository(url=url, branch="main"), "a token", reader(url)))
    assert set(branch) == set(found)


def test_what_is_not_there_says_so(hosted):
    repo, url = hosted
    commit(repo, a_md="A")
    with pytest.raises(SourceError, match="There is no branch other"):
        list(git.repository(GitRepository(url=url, branch="other"), "", reader(url)))
    with pytest.raises(SourceError, match="no such repository"):
        list(git.repository(GitRepository(url=url + "x"), "", reader(url)))


def test_a_server_that_is_no_git_says_so(served):
    served.put("/repo/info/refs", "<html>Hello</html>")
    with pytest.raises(SourceError):
        list(git.repository(GitRepository(url=f"{served.url}/repo"), "", served.reader()))


def test_a_repository_of_too_many_files_names_the_remedy(hosted, monkeypatch):
    repo, url = hosted
    commit(repo, **{f"n{n}_md": str(n) for n in range(302)})
    with pytest.raises(SourceError, match=r"302 files\. Choose a folder"):
        list(git.repository(GitRepository(url=url), "", reader(url)))
