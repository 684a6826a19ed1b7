"""A GPT as one file: `gpt.json`, its knowledge, its picture and the documents of its actions. Never a secret.

Secrets are encrypted columns that nothing here reads. URLs can hold one too, so they lose credentials and queries.
"""

import json
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext

from gpts.portable.package import (
    MANIFEST,
    Authentication,
    Package,
    PackedAction,
    PackedAgent,
    PackedDelegate,
    PackedFile,
    PackedModel,
    PackedServer,
    PackedSource,
    PackedWidget,
)
from gpts.spec.gpt import MODEL_FIELDS, GptSpec
from web.accounts.models import User
from web.builder.files import clean_name
from web.builder.models import SPEC_FIELDS, Gpt, GptVersion
from web.builder.models_actions import Outside
from web.builder.models_files import KnowledgeFile
from web.builder.models_sources import Source
from web.builder.models_widgets import Widget

CHUNK_BYTES: Final = 1 << 20
# Old as zip knows it: the same GPT then gives the same bytes, but for when it was exported.
_DATE: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Export:
    """What goes into the archive: `gpt.json`, then each path with its content or where that is stored."""

    package: Package
    contents: dict[str, str | Path]

    def chunks(self) -> Iterator[bytes]:
        """The archive, bit by bit. Nothing of it is kept in memory or on disk."""
        manifest = json.dumps(self.package.model_dump(mode="json"), ensure_ascii=False, indent=1)
        return zipped(({MANIFEST: manifest} | self.contents).items())


# What an entry of an archive holds: text, a stored file, or what is made bit by bit.
Content = str | Path | Iterator[bytes]


def zipped(entries: Iterable[tuple[str, Content]]) -> Iterator[bytes]:
    """An archive of these paths with their contents, bit by bit."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w") as archive:  # type: ignore[call-overload]
        for path, content in entries:
            yield from _packed(archive, path, content, sink)
    yield sink.taken()


class _Sink:
    """What zipfile writes to: it cannot seek, and hands on what it has."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        """Keep the data until it is taken."""
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits elsewhere."""

    def taken(self) -> bytes:
        """What was written since the last time."""
        data, self._parts = b"".join(self._parts), []
        return data


def _packed(archive: zipfile.ZipFile, path: str, content: Content, sink: _Sink) -> Iterator[bytes]:
    """Files are stored as they are: packed ones gain nothing, and whoever imports them can see how large they are."""
    entry = zipfile.ZipInfo(path, _DATE)
    if isinstance(content, str):
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, content)
        yield sink.taken()
        return
    if not isinstance(content, Path):
        with archive.open(entry, "w", force_zip64=True) as target:  # nobody knows yet how large it gets
            for data in content:
                target.write(data)
                yield sink.taken()
        return
    with content.open("rb") as source, archive.open(entry, "w", force_zip64=content.stat().st_size > 2**31) as target:
        while data := source.read(CHUNK_BYTES):
            target.write(data)
            yield sink.taken()


# The fields of a version that the file has under the same names.
# Settings of sources that can hold a secret.
_URLS: Final = ("url", "endpoint")
COPIED: Final = ("name", "description", "instructions", "starters", "inputs", "capabilities")


def export(gpt: Gpt, version: GptVersion | None = None, *, reader: User) -> Export:
    """The draft of `gpt`, or its published `version`, for `reader`.

    Raises ValidationError if a file is no longer stored.
    """
    spec = version.spec() if version else gpt.draft_spec()
    contents: dict[str, str | Path] = {}
    files = tuple(_file(file, contents) for file in _files(gpt, spec if version else None))
    actions = tuple(_actions(gpt, spec, contents))
    picture = _picture(gpt, contents)
    package = Package(
        exported=timezone.now().isoformat(timespec="seconds"),
        **{name: getattr(spec, name) for name in COPIED},
        category=gpt.category,
        face=gpt.face,
        picture=picture,
        unsupported=spec.unsupported,
        switches={name: value for name in SPEC_FIELDS if isinstance(value := getattr(spec, name), bool)},
        model=PackedModel(**spec.model.model_dump(include=set(MODEL_FIELDS))),
        files=files,
        actions=actions,
        mcp_servers=tuple(_servers(gpt, spec)),
        remote_agents=tuple(_agents(gpt, spec)),
        delegates=tuple(_delegates(gpt, spec, reader)),
        language=gpt.language,
        sources=tuple(map(_source, gpt.sources.all())),
        widget=_widget(gpt),
    )
    return Export(package, contents)


def file_name(gpt: Gpt, version: GptVersion | None = None) -> str:
    """What the exported file is called."""
    return f"{gpt.slug}-v{version.number}.gpt.zip" if version else f"{gpt.slug}.gpt.zip"


def _files(gpt: Gpt, spec: GptSpec | None) -> list[KnowledgeFile]:
    """The files of the version, or all of the draft, also those that wait to be read."""
    rows = gpt.files.filter(removed=None)
    if spec is not None:
        rows = gpt.files.filter(id__in=[ref.file_id for ref in spec.knowledge])
    return list(rows.filter(replaces=None).order_by("created", "id"))


def _file(file: KnowledgeFile, contents: dict[str, str | Path]) -> PackedFile:
    if not file.path.is_file():
        raise ValidationError(
            {"files": gettext("“{name}” is no longer stored. Upload it again, or remove it.").format(name=file.name)}
        )
    path = _free(f"files/{clean_name(file.name, 150) or 'file'}", contents)
    contents[path] = file.path
    return PackedFile(
        name=file.name,
        path=path,
        sha256=file.sha256,
        dropped=tuple(sorted(key for key, choice in file.decisions.items() if choice == "drop")),
        accepted=sum(choice == "accept" for choice in file.decisions.values()),
        corrections=tuple(file.passage_corrections().values()),
        attributes=file.attributes,
    )


def _free(path: str, taken: dict[str, str | Path]) -> str:
    """`path`, with a number before its ending if it is taken, whatever the letter case."""
    known = {name.lower() for name in taken}
    pure = PurePosixPath(path)
    tries = (path, *(f"{pure.parent}/{pure.stem} ({n}){pure.suffix}" for n in range(2, len(taken) + 3)))
    return next(each for each in tries if each.lower() not in known)


def _picture(gpt: Gpt, contents: dict[str, str | Path]) -> str | None:
    path = settings.MEDIA_ROOT / (gpt.picture.name or "")
    if not gpt.picture or not path.is_file():
        return None
    contents["picture.webp"] = path
    return "picture.webp"


def _actions(gpt: Gpt, spec: GptSpec, contents: dict[str, str | Path]) -> Iterator[PackedAction]:
    rows = {str(row.id): row for row in gpt.actions.all()}
    for action in spec.actions:
        row = rows[action.action_id]
        ending = "json" if row.document.lstrip().startswith("{") else "yaml"
        path = _free(f"actions/{clean_name(action.name, 80) or 'action'}.{ending}", contents)
        contents[path] = row.document
        yield PackedAction(
            name=action.name,
            document=path,
            document_url=bare_url(row.document_url),
            server=action.base_url,
            operations=tuple(each.name for each in action.operations),
            auth=_auth(row),
            privacy_url=row.privacy_url,
        )


def _servers(gpt: Gpt, spec: GptSpec) -> Iterator[PackedServer]:
    rows = {str(row.id): row for row in gpt.mcp_servers.all()}
    for server in spec.mcp_servers:
        row = rows[server.server_id]
        facts: dict[str, Any] = {"command": server.command, "auth": _auth(row), "privacy_url": row.privacy_url}
        yield PackedServer(name=server.name, url=bare_url(server.url), **facts)


def _agents(gpt: Gpt, spec: GptSpec) -> Iterator[PackedAgent]:
    rows = {str(row.id): row for row in gpt.remote_agents.all()}
    for agent in spec.remote_agents:
        row = rows[agent.agent_id]
        facts: dict[str, Any] = {"when": agent.when, "timeout_s": int(agent.timeout_s), "auth": _auth(row)}
        facts["privacy_url"] = row.privacy_url
        yield PackedAgent(name=agent.name, card_url=bare_url(agent.card_url), **facts)


def _delegates(gpt: Gpt, spec: GptSpec, reader: User) -> Iterator[PackedDelegate]:
    """The GPTs that it asks; with their names, if `reader` may see them."""
    known = Gpt.objects.filter(id__in=[each.gpt_id for each in spec.delegates])
    names = {str(each.id): each.live.name for each in known.select_related("published")}
    hidden = set[str]()
    if reader.pk != gpt.owner_id:
        hidden = names.keys() - {str(each) for each in known.chattable_by(reader).values_list("id", flat=True)}
    for each in spec.delegates:
        name = "" if each.gpt_id in hidden else each.name or names.get(each.gpt_id, "")
        yield PackedDelegate(slug=each.slug, name=name, when=each.when)


def _auth(row: Outside) -> Authentication:
    if row.auth != "oauth":
        return Authentication(kind=row.auth, header=row.header if row.auth == "header" else "")
    known = {name: value for name, value in row.oauth.items() if name in Authentication.model_fields}
    urls = {name: bare_url(known[name]) for name in ("authorize_url", "token_url", "revoke_url") if known.get(name)}
    return Authentication(kind="oauth", **{**known, **urls})


def _source(source: Source) -> PackedSource:
    own = {name: bare_url(value) if name in _URLS else value for name, value in source.settings.items()}
    return PackedSource(settings=own, hours=source.hours, publishes=source.publishes)


def _widget(gpt: Gpt) -> PackedWidget | None:
    """Its settings, if there are any."""
    widget = Widget.objects.filter(gpt=gpt).first()
    return PackedWidget(**{name: getattr(widget, name) for name in PackedWidget.model_fields}) if widget else None


def bare_url(url: str) -> str:
    """`url` without user, password and query, which may hold a key; "?" stays where there was a query."""
    with suppress(ValueError):
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path, "", "")) + ("?" if parts.query else "")
    return ""
