"""How calls to an action, MCP server or remote agent authenticate: the creator's setting, with its secret."""

from dataclasses import dataclass
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.translation import gettext, gettext_noop
from pydantic import ConfigDict, Field

from gpts.spec.actions import host_of
from gpts.values import ShortText, Text
from web.accounts.models import User
from web.builder.actions import Row, saved
from web.builder.models_actions import Action, Auth, Outside

MAX_SECRET_CHARS: Final = 4_000
OWNERS: Final = gettext_noop("Only {person}, who owns this GPT, can set up how people sign in.")
AuthKind = Literal["none", "bearer", "basic", "header", "oauth"]


@dataclass(frozen=True, slots=True)
class AuthSetting:
    """Authentication of calls. Without `secret` the stored one is kept if kind and hosts are the same; "" deletes it.

    One that somebody else entered is kept only if nothing changes.

    `secret` is the API key ("user:password" for basic), or the client secret for oauth.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    kind: AuthKind
    secret: Annotated[Text, Field(max_length=MAX_SECRET_CHARS)] | None = None
    header: ShortText = ""
    client_id: ShortText = ""
    authorize_url: ShortText = ""
    token_url: ShortText = ""
    revoke_url: ShortText = ""
    scope: ShortText = ""
    token_auth: Literal["post", "basic"] = "post"  # noqa: S105 - a method, no secret


def set_auth(row: Row, setting: AuthSetting, *, by: User) -> Row:
    """The row with its authentication changed `by` a person. Raises ValidationError by field."""
    if by != row.gpt.owner and Auth.OAUTH in (setting.kind, row.auth):
        raise ValidationError({"kind": gettext(OWNERS).format(person=row.gpt.owner.shown_name)})
    _check_auth(row, setting)
    changed = setting.kind != row.auth or row.secret_host not in ("", row.host)
    fields = ("client_id", "authorize_url", "token_url", "revoke_url", "scope", "token_auth")
    oauth = {name: getattr(setting, name) for name in fields} if setting.kind == "oauth" else {}
    if isinstance(row, Action) and (changed or oauth != row.oauth):
        row.sign_ins.all().delete()  # they are for another service, or another client of it
    changed = changed or _secret_hosts(oauth) != _secret_hosts(row.oauth)
    changed = changed or (row.secret_by_id != by.pk and setting.header != row.header)
    row.auth, row.header, row.oauth = setting.kind, setting.header, oauth
    if setting.secret is not None or changed:
        row.keep_secret(setting.secret or "", by=by)
    return saved(row)


def _secret_hosts(oauth: dict[str, str]) -> set[str]:
    """The hosts that get the client secret."""
    return {host_of(url) for name in ("token_url", "revoke_url") if (url := oauth.get(name))}


def _check_auth(row: Outside, setting: AuthSetting) -> None:
    if setting.kind not in Auth.values:
        raise ValidationError(
            {"kind": gettext("The authentication type must be one of {names}.").format(names=", ".join(Auth.values))}
        )
    secret = setting.secret or ""
    if len(secret) > MAX_SECRET_CHARS or not secret.isascii() or (secret and not secret.isprintable()):
        raise ValidationError(
            {"secret": gettext("Enter up to {limit} ASCII characters on one line.").format(limit=MAX_SECRET_CHARS)}
        )
    # A password may have spaces, and the value of a header a word before its key: "Token 0123".
    if setting.kind != "basic" and len(secret.split()) > 1 + (setting.kind == "header"):
        raise ValidationError({"secret": gettext("A key can’t contain spaces. Copy it again.")})
    if setting.kind == "header" and not _is_header(setting.header):
        raise ValidationError({"header": gettext("Enter the header’s name, such as X-Api-Key.")})
    if setting.kind == "oauth":
        _check_oauth(row, setting)


def _is_header(name: str) -> bool:
    taken = {"host", "content-length", "content-type", "connection", "transfer-encoding", "cookie"}
    return name.replace("-", "").replace("_", "").isalnum() and name.isascii() and name.lower() not in taken


def _check_oauth(row: Outside, setting: AuthSetting) -> None:
    if not isinstance(row, Action):
        raise ValidationError(
            {"kind": gettext("MCP servers and remote agents support an API key or no authentication.")}
        )
    if not setting.client_id:
        raise ValidationError({"client_id": gettext("Enter the client ID that the service gave you.")})
    if setting.token_auth not in ("post", "basic"):
        raise ValidationError({"token_auth": gettext("Client authentication must be “post” or “basic”.")})
    check_url = URLValidator(schemes=["https", "http"])
    for name in ("authorize_url", "token_url", *(["revoke_url"] if setting.revoke_url else [])):
        url = getattr(setting, name)
        local = urlsplit(url).scheme == "http" and urlsplit(url).hostname in ("127.0.0.1", "localhost")
        try:
            check_url(url)
        except ValidationError:
            raise ValidationError({name: gettext("Enter a full URL, starting with https://.")}) from None
        if not url.startswith("https://") and not local:
            raise ValidationError({name: gettext("This URL must start with https://.")})
