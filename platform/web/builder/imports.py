"""Makes drafts of what `gpts.portable` finds: all is read and checked first, then one transaction stores the draft.

Workers read the documents of actions, outside of any transaction. What an exported GPT decided elsewhere is not taken
over: accepted findings, servers that are trusted, agents that only read. `Gpt.imported` says what is left to do.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils.translation import gettext, gettext_noop, ngettext

from gpts.knowledge.corrections import passage_key
from gpts.knowledge.languages import LANGUAGES
from gpts.portable.archive import OWN, Contents
from gpts.portable.errors import NotImportable
from gpts.portable.found import Found
from gpts.portable.package import Authentication, Package, PackedAction, PackedFile
from gpts.spec.actions import DOCUMENT_BYTES, Imported
from gpts.spec.capabilities import CAPABILITIES
from web.accounts.models import User
from web.builder import actions, delegates, services, widgets
from web.builder.actions import DocumentSource
from web.builder.auth import AuthSetting, set_auth
from web.builder.categories import OTHER, categories
from web.builder.faces import MARKS
from web.builder.files import add_stored, clean_name, store_bytes
from web.builder.models import SPEC_FIELDS, Gpt
from web.builder.models_actions import Action, McpServerRow, Outside, RemoteAgentRow
from web.builder.models_sources import Source
from web.builder.pictures import store_picture
from web.engines import answering, named, offered

_QUERY: Final = gettext_noop(
    "The URL of “{name}” had a query, which may hold a key and is not exported. Complete it."
)


@dataclass(slots=True)
class Draft:
    """What a draft is made of, read and checked, while nothing of it is in the database."""

    user: User
    package: Package
    source: str
    notes: list[str]
    picture: str = ""
    files: list[tuple[PackedFile, str, int]] = field(default_factory=list)
    actions: list[tuple[PackedAction, Imported, str]] = field(default_factory=list)

    @property
    def is_own(self) -> bool:
        """Whether a Guildhall exported it."""
        return self.source == OWN

    def refuse(self, text: str) -> None:
        """What an exported GPT of a Guildhall has wrong is an error; of any other system, it is noted."""
        if self.is_own:
            raise NotImportable(text)
        self.notes.append(text)


def prepare(
    user: User, found: Found, contents: Contents, uploads: Sequence[tuple[str, Iterable[bytes]]] = ()
) -> Draft:
    """All that the GPT is made of, with `uploads` (name and content) as further knowledge.

    Raises NotImportable, ValidationError and NoResult. Contents that nothing refers to then go with the next sweep.
    """
    draft = Draft(user, found.package, found.source, list(found.notes))
    n_files, most = len(found.package.files) + len(uploads), settings.MAX_FILES_PER_GPT
    if n_files > most:
        raise NotImportable(
            gettext("It has {n_files} files: a GPT can have up to {most} here.").format(n_files=n_files, most=most)
        )
    draft.picture = _picture(draft, found, contents)
    draft.actions = [read for each in found.package.actions if (read := _read_action(draft, each, contents))]
    draft.files = [_stored(each, contents) for each in found.package.files]
    for name, data in uploads:
        draft.files.append((PackedFile(name=clean_name(name) or "file", path="-"), *store_bytes(data)))
    return draft


def store(draft: Draft, missing: Mapping[str, str]) -> Gpt:
    """The draft in the database, or nothing of it. `missing` says why capabilities do not work on this site.

    Raises NotImportable, ValidationError, QuotaExceeded.
    """
    with transaction.atomic():
        gpt = services.create_gpt(draft.user, _fields(draft, missing))
        for packed, sha256, size in draft.files:
            _add_file(draft, gpt, packed, sha256, size)
        for action in draft.actions:
            _add_action(draft, gpt, *action)
        _add_servers(draft, gpt)
        _add_agents(draft, gpt)
        _add_delegates(draft, gpt)
        _add_sources(draft, gpt)
        if widget := draft.package.widget:
            widgets.change(gpt, {**widget.model_dump(), "origins": list(widget.origins)})
        gpt.imported = {
            "origin": gettext("Imported from {source}.").format(source=draft.source),
            "notes": list(dict.fromkeys(draft.notes)),
        }
        gpt.save(update_fields=["imported"])
    return gpt


def _picture(draft: Draft, found: Found, contents: Contents) -> str:
    path = found.package.picture
    data = contents.read(path, settings.MAX_PICTURE_BYTES) if path else found.picture
    if not data:
        return ""
    try:
        return store_picture(ContentFile(data), draft.user)
    except ValidationError as error:
        draft.refuse(gettext("The picture was not imported: {error}").format(error=error.messages[0]))
        return ""


def _read_action(draft: Draft, packed: PackedAction, contents: Contents) -> tuple[PackedAction, Imported, str] | None:
    """The action's document as a worker reads it; None if it cannot be used, which is noted. Raises NoResult."""
    data = contents.read(packed.document, DOCUMENT_BYTES).replace(b"\0", b"")
    document = data.decode("utf-8-sig", errors="replace")
    source = DocumentSource(document, server=packed.server, operations=packed.operations)
    try:
        imported, text = actions.preview_import(draft.user, source)
        if not imported.base_url:
            raise ValidationError(gettext("The document doesn’t name a full server URL."))
    except ValidationError as error:
        draft.refuse(
            gettext("The action “{name}” could not be read. {error}").format(
                name=packed.name or gettext("without a name"), error=" ".join(error.messages)
            )
        )
        return None
    return packed, imported, text


def _stored(packed: PackedFile, contents: Contents) -> tuple[PackedFile, str, int]:
    sha256, size = store_bytes(contents.chunks(packed.path))
    if packed.sha256 not in (None, sha256):
        raise NotImportable(
            gettext("“{path}” is not the file that was exported: its SHA-256 differs.").format(path=packed.path)
        )
    return packed, sha256, size


def _fields(draft: Draft, missing: Mapping[str, str]) -> dict[str, Any]:
    package = draft.package
    facts: dict[str, Any] = {name: getattr(package, name) for name in ("name", "description", "instructions")}
    return {
        **facts,
        **_switches(draft),
        "starters": list(package.starters),
        "inputs": [each.model_dump(mode="json", exclude_defaults=True) for each in package.inputs],
        "category": package.category if package.category in categories() else OTHER,
        "language": package.language if package.language in LANGUAGES else "",
        "unsupported": package.unsupported,
        "face": package.face if package.face in MARKS else "",
        "capabilities": _capabilities(draft, missing),
        "engine": _engine(draft),
        **package.model.model_dump(exclude={"engine"}),
        "picture": draft.picture,
    }


def _switches(draft: Draft) -> dict[str, bool]:
    known = {name for name in SPEC_FIELDS if Gpt._meta.get_field(name).get_internal_type() == "BooleanField"}
    if unknown := sorted(draft.package.switches.keys() - known):
        draft.notes.append(gettext("The setting “{name}” does not exist here.").format(name=unknown[0]))
    return {name: on for name, on in draft.package.switches.items() if name in known}


def _capabilities(draft: Draft, missing: Mapping[str, str]) -> list[str]:
    wanted = dict.fromkeys(draft.package.capabilities)
    draft.notes += [
        gettext("The capability “{key}” does not exist here.").format(key=key)
        for key in wanted
        if key not in CAPABILITIES
    ]
    known = [key for key in wanted if key in CAPABILITIES]
    draft.notes += [
        gettext("{capability} is not set up here: {reason}").format(
            capability=gettext(CAPABILITIES[key].title), reason=missing[key]
        )
        for key in known
        if key in missing
    ]
    return known


def _engine(draft: Draft) -> str:
    name = draft.package.model.engine
    if name in ("", *offered(draft.user)):
        return name
    draft.notes.append(
        gettext("The model “{name}” does not exist here: {usual} answers until you choose another.").format(
            name=name, usual=named(answering(""))
        )
    )
    return ""


def _add_file(draft: Draft, gpt: Gpt, packed: PackedFile, sha256: str, size: int) -> None:
    corrections = {passage_key(each.original): each.model_dump(mode="json") for each in packed.corrections}
    made = {"decisions": dict.fromkeys(packed.dropped, "drop"), "corrections": corrections}
    add_stored(gpt, packed.name, sha256, size, attributes=packed.attributes, **made)
    if packed.accepted:
        text = ngettext(
            "“{name}” has {n} flagged passage that its creator accepted. Review it yourself.",
            "“{name}” has {n} flagged passages that its creator accepted. Review them yourself.",
            packed.accepted,
        )
        draft.notes.append(text.format(name=packed.name, n=packed.accepted))


def _add_action(draft: Draft, gpt: Gpt, packed: PackedAction, imported: Imported, document: str) -> None:
    action = Action(gpt=gpt, name=packed.name or imported.title)
    actions.take(action, imported, document, _whole(draft, action.name, packed.document_url))
    hint = imported.auth
    if packed.auth.kind == "none" and not draft.is_own and hint.kind in ("bearer", "basic", "header"):
        packed = packed.model_copy(update={"auth": Authentication(kind=hint.kind, header=hint.header)})
    elif packed.auth.kind == "none" and not draft.is_own and hint.kind == "oauth":
        draft.notes.append(
            gettext("People sign in to “{name}” with OAuth: set its authentication.").format(name=action.name)
        )
    _save(draft, action, packed.auth, packed.privacy_url)


def _save(draft: Draft, row: Outside, packed: Authentication, privacy_url: str) -> None:
    """Save the service with how calls authenticate, without the key. What does not fit is refused or left out."""
    row.privacy_url = privacy_url
    urls = {
        name: _whole(draft, row.name, getattr(packed, name)) for name in ("authorize_url", "token_url", "revoke_url")
    }
    setting = AuthSetting(**{**packed.model_dump(), **urls})
    try:
        set_auth(row, setting, by=draft.user)
    except ValidationError as error:
        draft.refuse(
            gettext("“{name}” was imported without its authentication. {error}").format(
                name=row.name, error=" ".join(error.messages)
            )
        )
        row.privacy_url = ""
        set_auth(row, AuthSetting("none"), by=draft.user)


def _whole(draft: Draft, name: str, url: str) -> str:
    """`url`; a note, if its query was left out when it was exported."""
    if url.endswith("?"):
        draft.notes.append(gettext(_QUERY).format(name=name))
    return url.removesuffix("?")


def _add_servers(draft: Draft, gpt: Gpt) -> None:
    for each in draft.package.mcp_servers:
        url = _whole(draft, each.name, each.url)
        if each.command and each.command not in settings.MCP_COMMANDS:
            draft.notes.append(
                gettext("The MCP server “{name}” runs a program that is not allowed here.").format(name=each.name)
            )
            continue
        if bool(url) == bool(each.command):
            raise NotImportable(
                gettext("The MCP server “{name}” needs either a URL or a program.").format(name=each.name)
            )
        if url:
            actions.check_address(url, "url", gettext("Enter the server’s full URL, starting with https://."))
        row = McpServerRow(gpt=gpt, name=each.name, url=url, command=list(each.command))
        _save(draft, row, each.auth, each.privacy_url)
        draft.notes.append(
            gettext("Refresh the tools of the MCP server “{name}”. Until then it has none.").format(name=each.name)
        )


def _add_agents(draft: Draft, gpt: Gpt) -> None:
    for each in draft.package.remote_agents:
        url = _whole(draft, each.name, each.card_url)
        actions.check_address(url, "card_url", gettext("Enter the Agent Card’s full URL, starting with https://."))
        row = RemoteAgentRow(gpt=gpt, name=each.name, card_url=url, url=url, when=each.when, timeout_s=each.timeout_s)
        _save(draft, row, each.auth, each.privacy_url)
        draft.notes.append(
            gettext("Read the card of the remote agent “{name}” again. Until then it cannot be asked.").format(
                name=each.name
            )
        )


def _add_delegates(draft: Draft, gpt: Gpt) -> None:
    """Those that exist here under the same slug and name; the others are noted."""
    for each in draft.package.delegates:
        named = Gpt.objects.chattable_by(draft.user).select_related("published").filter(slug=each.slug).first()
        if named is None or delegates.shown_name(draft.user, named) != each.name:
            draft.notes.append(
                gettext("It could ask the GPT “{name}”, which does not exist here.").format(
                    name=each.name or each.slug
                )
            )
        else:
            delegates.add(gpt, each.slug, each.when, by=draft.user)


def _add_sources(draft: Draft, gpt: Gpt) -> None:
    """Paused, so that this site asks no other on behalf of a file alone."""
    for each in draft.package.sources:
        own = each.settings.model_dump(mode="json")
        own = {name: value.removesuffix("?") if isinstance(value, str) else value for name, value in own.items()}
        source = Source(gpt=gpt, kind=own["kind"], settings=own, hours=each.hours, publishes=each.publishes)
        source.save()
        draft.notes.append(
            gettext("The source {source} is paused. Check its settings, and enter its password or token.").format(
                source=source.address
            )
        )
