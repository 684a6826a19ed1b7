"""A GPT as a file: what goes in comes back, no secret is ever in it, and a hostile file leaves nothing."""

import io
import json
import random
import stat
import warnings
import zipfile
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from gpts.knowledge.corrections import passage_key
from tests.web.builder.test_actions import DOCUMENT, worker  # noqa: F401 - a fixture
from tests.web.builder.test_duplicates import CORRECTION
from web.accounts import quotas
from web.accounts.models import User
from web.builder import actions, auth, delegates, exports, files, services, versions, widgets
from web.builder.actions import DocumentSource
from web.builder.auth import AuthSetting
from web.builder.models import Gpt
from web.builder.models_actions import McpServerRow, RemoteAgentRow, SignIn
from web.builder.models_files import KnowledgeFile
from web.builder.models_sources import Source
from web.builder.models_widgets import Widget
from web.builder.pictures import store_picture
from web.runs.importing import bring

MARKER = "sk-marker-"
OAUTH = AuthSetting(
    kind="oauth",
    secret=f"{MARKER}client",
    client_id="public-id",
    authorize_url="https://login.example/authorize",
    token_url=f"https://login.example/token?key={MARKER}query",
)


def picture() -> SimpleUploadedFile:
    data = io.BytesIO()
    Image.new("RGB", (300, 200), "teal").save(data, "PNG")
    return SimpleUploadedFile("p.png", data.getvalue())


@pytest.fixture
def full(gpt, alice, bob, worker) -> Gpt:  # noqa: F811
    """Alice's GPT with something of everything, and a marker in each secret."""
    fields = {"description": "D", "capabilities": ["memory", "web_browsing"], "temperature": 1.5, "face": "wrench"}
    services.update_gpt(gpt, {**fields, "only_from_knowledge": True, "a2a": True, "category": "work"}, by=gpt.owner)
    services.update_gpt(gpt, {"picture": store_picture(picture(), gpt.owner)}, by=gpt.owner)
    services.set_sharing(gpt, "link", by=gpt.owner)
    Gpt.objects.filter(id=gpt.id).update(link_secret=f"{MARKER}link")
    file = files.add_file(gpt, "manual.md", [b"# Manual"])
    facts = {"decisions": {"f1": "drop", "f2": "accept"}, "corrections": {passage_key("Old."): CORRECTION}}
    KnowledgeFile.objects.filter(id=file.id).update(**facts, attributes={"year": 2026.0, "new": True})
    files.add_file(gpt, "Manual.md", [b"# Another"])
    action = actions.add_action(gpt, DocumentSource(DOCUMENT, operations=("addPart",)), by=gpt.owner)
    auth.set_auth(action, OAUTH, by=action.gpt.owner)
    sign_in = SignIn(user=bob, action=action, host="login.example")
    sign_in.sealed = sign_in.seal({"access_token": f"{MARKER}token"})
    sign_in.save()
    server = McpServerRow(gpt=gpt, name="Tools", url=f"https://u:{MARKER}p@mcp.example/s?key={MARKER}q", trusted=True)
    auth.set_auth(server, AuthSetting("header", f"{MARKER}header", header="X-Key"), by=server.gpt.owner)
    agent = RemoteAgentRow(gpt=gpt, name="A", card_url="https://a.example/c", url="https://a.example", read_only=True)
    auth.set_auth(agent, AuthSetting("bearer", f"{MARKER}agent"), by=agent.gpt.owner)
    services.update_gpt(gpt, {"language": "de", "top_p": 0.5}, by=gpt.owner)
    source = Source(gpt=gpt, kind="git", hours=48)
    source.settings = {"kind": "git", "url": f"https://git.example/r?key={MARKER}r", "branch": "main", "folder": ""}
    source.set_secret(f"{MARKER}git", by=source.gpt.owner)
    source.save()
    widget = widgets.change(gpt, {"only_signed": True, "origins": ["https://shop.example"], "label": "Ask"})
    Widget.objects.filter(id=widget.id).update(is_on=True)
    delegates.add(gpt, services.create_gpt(alice, {"name": "Other"}).slug, "When asked", by=gpt.owner)
    return Gpt.objects.get(id=gpt.id)


def packed(gpt: Gpt, number: int = 0) -> bytes:
    version = versions.access_version(gpt, number=number) if number else None
    return b"".join(exports.export(gpt, version, reader=gpt.owner).chunks())


def brought(user: User, data: bytes, name: str = "a.gpt.zip") -> Gpt:
    [gpt] = bring(user, "", [SimpleUploadedFile(name, data)]).gpts
    return Gpt.objects.get(id=gpt.id)


def test_everything_comes_back_but_ids_and_what_has_to_be_looked_at_again(full, bob):
    made = brought(bob, packed(full))
    same = ("name", "description", "instructions", "starters", "capabilities", "temperature", "face", "category")
    same += ("language", "top_p")
    assert [getattr(made, name) for name in same] == [getattr(full, name) for name in same]
    assert (made.only_from_knowledge, made.a2a, made.sharing, made.published) == (True, True, "me", None)
    assert made.picture.name.endswith(".webp")
    assert made.owner == bob
    first, second = made.files.all()
    assert [(file.name, file.path.read_bytes()) for file in (first, second)] == [
        ("manual.md", b"# Manual"),
        ("Manual.md", b"# Another"),
    ]
    assert (first.decisions, first.attributes) == ({"f1": "drop"}, {"year": 2026.0, "new": True})
    assert first.passage_corrections()[passage_key("Old.")].text == "New."
    [action] = made.draft_spec().actions
    assert (action.base_url, action.auth, [each.name for each in action.operations]) == (
        "https://api.parts.example",
        "oauth",
        ["addPart"],
    )
    assert made.actions.get().oauth["client_id"] == "public-id"
    server, agent = made.mcp_servers.get(), made.remote_agents.get()
    assert (server.url, server.auth, server.header, server.trusted) == (
        "https://mcp.example/s",
        "header",
        "X-Key",
        False,
    )
    assert (agent.card_url, agent.url, agent.read_only) == ("https://a.example/c", "https://a.example/c", False)
    source, widget = made.sources.get(), made.widget
    assert (source.address, source.hours, source.secret, source.next_at) == ("https://git.example/r", 48, "", None)
    assert (widget.is_on, widget.only_signed, widget.origins) == (False, True, ["https://shop.example"])
    assert (widget.label, widget.key == full.widget.key) == ("Ask", False)


def test_the_draft_says_what_is_left_to_do(full, bob, settings):
    settings.ENGINES = {}
    full.engine = "big-one"
    made = brought(bob, packed(full))
    notes = "\n".join(made.imported["notes"])
    for words in (
        "“big-one”",
        "“Other”",
        "“Tools”",
        "remote agent “A”",
        "1 flagged passage that",
        "had a query",
        "git.example",
    ):
        assert words in notes
    assert made.engine == ""


def test_its_own_gpts_are_asked_again_where_they_exist(full, alice):
    other = Gpt.objects.get(name="Other")
    assert [row.delegate for row in brought(alice, packed(full)).delegates.all()] == [other]
    data = packed(full)
    services.update_gpt(other, {"name": "Renamed"}, by=other.owner)
    assert not brought(alice, data).delegates.exists()


def test_no_secret_is_in_an_exported_file(full):
    with zipfile.ZipFile(io.BytesIO(packed(full))) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert MARKER.encode() not in everything
    for row in (row for rows in actions.outside(full) for row in rows):
        assert row.secret
        assert row.secret.encode() not in everything


def test_a_published_version_is_exported_as_it_was(full, alice):
    full.files.all().update(status="ready", segment="seg")
    services.publish(full, by=full.owner)
    services.update_gpt(full, {"instructions": "Later."}, by=full.owner)
    actions.remove(full.actions.get())
    assert brought(alice, packed(full, 2)).instructions == "Help with pumps."
    assert brought(alice, packed(full, 2)).actions.count() == 1
    assert brought(alice, packed(full)).instructions == "Later."
    assert brought(alice, packed(full)).actions.count() == 0


def test_exporting_an_imported_gpt_gives_the_same_again(full, bob):
    first = packed(full)
    again = packed(brought(bob, first))
    one, other = (json.loads(zipfile.ZipFile(io.BytesIO(data)).read("gpt.json")) for data in (first, again))
    for each in (one, other):
        each["exported"] = ""
    for each in (one["files"][0], other["files"][0]):
        each["accepted"] = 0
    one["mcp_servers"][0]["url"] = one["mcp_servers"][0]["url"].rstrip("?")
    one["sources"][0]["settings"]["url"] = one["sources"][0]["settings"]["url"].rstrip("?")
    one["actions"][0]["auth"]["token_url"] = one["actions"][0]["auth"]["token_url"].rstrip("?")
    one["delegates"] = []
    assert one == other


def zipped(entries: dict[str, bytes], **kinds: Any) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **kinds) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def manifest(**changes: Any) -> bytes:
    return json.dumps({"format": "guildhall-gpt", "version": 1, "name": "N", **changes}).encode()


def link() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("gpt.json", manifest(files=[{"name": "a", "path": "a"}]))
        entry = zipfile.ZipInfo("a")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    return buffer.getvalue()


def twice() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(2):
            archive.writestr("gpt.json", manifest())
    return buffer.getvalue()


def damaged() -> bytes:
    data = zipped({"gpt.json": manifest(files=[{"name": "a", "path": "a"}]), "a": b"x" * 5_000})
    place = data.index(b"x" * 100)
    return data[:place] + b"y" + data[place + 1 :]


def own(entries: dict[str, bytes] | None = None, **changes: Any) -> bytes:
    """An exported GPT with these changes, and these further entries."""
    return zipped({"gpt.json": manifest(**changes), **(entries or {})})


FILE = {"name": "a.txt", "path": "files/a.txt"}
A_TXT = {"files/a.txt": b"x"}
ACTION = {"name": "X", "document": "x.json"}
HOSTILE = {
    "a bomb": (zipped({"gpt.json": manifest(), "b": bytes(30_000_000)}, compression=8), "unpacks to more"),
    "a huge manifest": (own(x=" " * 6_000_000), "gpt.json”? is too large"),
    "a path that leads out": (own({"../../etc/x": b"x"}), "lead out of it: “../../etc/x”"),
    "an absolute path": (own({"/etc/x": b"x"}), "lead out of it"),
    "a link": (link(), "links"),
    "an entry twice": (twice(), "taken twice"),
    "no manifest": (zipped({"other.json": b"{}", "x/gpt.json": manifest()}), "no export"),
    "a damaged entry": (damaged(), "“a” in the archive is damaged"),
    "no zip": (b"PK\x03\x04" + random.Random(1).randbytes(500), "damaged"),
    "cut off": (zipped({"gpt.json": manifest()})[:-30], "damaged"),
    "no JSON": (zipped({"gpt.json": b"{"}), "not valid JSON"),
    "deep JSON": (zipped({"gpt.json": b"[" * 200_000}), "not valid JSON"),
    "a list": (zipped({"gpt.json": b"[]"}), "“format” must be"),
    "another format": (own(format="x"), "“format” must be"),
    "a future version": (own(version=2), "version 2.*Update the site"),
    "a wrong version": (own(version="1"), "“version”"),
    "an unknown field": (own(secret_key="x"), "“secret_key”: Extra inputs"),
    "an unknown field within": (own(model={"top": 1}), "“model.top”"),
    "a wrong type": (own(starters="x"), "“starters”"),
    "a text too long": (own(name="x" * 51), "“name”.*50 characters"),
    "half a character": (zipped({"gpt.json": b'{"name":"\\ud800"}'}), "not valid JSON"),
    "a NUL": (own(instructions="\0"), "“instructions”.*NUL"),
    "a missing file": (own(files=[FILE]), "“files/a.txt”, which the archive does"),
    "a file that nothing names": (own({"run.sh": b"x"}), "has “run.sh”, which"),
    "a path twice": (own(A_TXT, files=[FILE, FILE]), "names “files/a.txt” twice"),
    "the manifest as a file": (own(files=[{"name": "a", "path": "gpt.json"}]), "twice"),
    "another content": (
        own(A_TXT, files=[{**FILE, "sha256": "0" * 64}]),
        "SHA-256 differs",
    ),
    "an empty file": (own({"files/a.txt": b""}, files=[FILE]), "empty"),
    "a picture that is none": (own({"p": b"x"}, picture="p"), "picture"),
    "a document that is none": (own({"x.json": b"{}"}, actions=[ACTION]), "“X” could not be read"),
    "an unknown operation": (
        own({"x.json": DOCUMENT.encode()}, actions=[{**ACTION, "operations": ["no"]}]),
        "no usable operation “no”",
    ),
    "a header that is none": (
        own({"x.json": DOCUMENT.encode()}, actions=[{**ACTION, "auth": {"kind": "header", "header": "Host"}}]),
        "Enter the header",
    ),
    "a server without a URL": (own(mcp_servers=[{"name": "S"}]), "either a URL or a program"),
    "a server of another scheme": (
        own(mcp_servers=[{"name": "S", "url": "file:///etc"}]),
        "https://",
    ),
    "too many files": (
        own({f"{n}": b"%d" % n for n in range(21)}, files=[{"name": f"{n}", "path": f"{n}"} for n in range(21)]),
        "21 files",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused_by_what_is_wrong_and_leaves_nothing(case, alice, worker):  # noqa: F811
    data, words = HOSTILE[case]
    with pytest.raises(ValidationError, match=f"(?s)a.gpt.zip: .*{words}|{words}"):
        brought(alice, data)
    assert Gpt.objects.count() == KnowledgeFile.objects.count() == 0


def test_an_archive_made_on_another_system_may_have_its_litter(alice):
    data = zipped({"gpt.json": manifest(), "__MACOSX/._gpt.json": b"x", ".DS_Store": b"x", "files/": b""})
    assert brought(alice, data).name == "N"


def test_a_file_beyond_the_quota_is_refused_before_it_is_stored(full, bob, home):
    data = packed(full)
    stored = set((home / "files").iterdir())
    quotas.set_limit("storage_mb", 0, bob)
    with pytest.raises(quotas.QuotaExceeded):
        brought(bob, data)
    assert set((home / "files").iterdir()) == stored
    assert not bob.gpts.exists()


def test_a_file_that_is_no_longer_stored_is_named(full):
    full.files.get(name="manual.md").path.unlink()
    with pytest.raises(ValidationError, match="is no longer stored"):
        exports.export(full, reader=full.owner)
