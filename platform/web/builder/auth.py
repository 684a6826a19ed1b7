"""How calls to an action, MCP server or remote agent authenticate: the creator's choice, with its secret."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator

from web.builder.actions import Row, saved
from web.builder.models_actions import Action, Auth, Outside

MAX_SECRET_CHARS: Final = 4_000


@dataclass(frozen=True, slots=True)
class AuthChoice:
    """How calls authenticate. `secret` None keeps the stored one, if kind and host are the same."""

    kind: str
    secret: str | None = None
    header: str = ""
    client_id: str = ""
    authorize_url: str = ""
    token_url: str = ""
    revoke_url: str = ""
    scope: str = ""
    token_auth: str = "post"  # noqa: S105 - a method, not a secret


def set_auth(row: Row, choice: AuthChoice) -> Row:
    """The row with its authentication changed. Raises ValidationError by field."""
    _check_auth(row, choice)
    changed = choice.kind != row.auth or row.secret_host not in ("", row.host)
    fields = ("client_id", "authorize_url", "token_url", "revoke_url", "scope", "token_auth")
    oauth = {name: getattr(choice, name) for name in fields} if choice.kind == Auth.OAUTH else {}
    if isinstance(row, Action) and (changed or oauth != row.oauth):
        row.sign_ins.all().delete()  # they are for another service, or another client of it
    row.auth, row.header, row.oauth = choice.kind, choice.header, oauth
    if choice.secret is not None or changed:
        row.keep_secret(choice.secret or "")
    return saved(row)


def _check_auth(row: Outside, choice: AuthChoice) -> None:
    if choice.kind not in Auth.values:
        raise ValidationError({"kind": f"The authentication type must be one of {', '.join(Auth.values)}."})
    secret = choice.secret or ""
    if len(secret) > MAX_SECRET_CHARS or not secret.isascii() or (secret and not secret.isprintable()):
        raise ValidationError({"secret": f"Enter up to {MAX_SECRET_CHARS} ASCII characters on one line."})
    if choice.kind == Auth.HEADER and not _is_header(choice.header):
        raise ValidationError({"header": "Enter the header’s name, such as X-Api-Key."})
    if choice.kind == Auth.OAUTH:
        _check_oauth(row, choice)


def _is_header(name: str) -> bool:
    taken = {"host", "content-length", "content-type", "connection", "transfer-encoding", "cookie"}
    return name.replace("-", "").replace("_", "").isalnum() and name.isascii() and name.lower() not in taken


def _check_oauth(row: Outside, choice: AuthChoice) -> None:
    if not isinstance(row, Action):
        raise ValidationError({"kind": "MCP servers and remote agents support an API key or no authentication."})
    if not choice.client_id:
        raise ValidationError({"client_id": "Enter the client ID that the service gave you."})
    if choice.token_auth not in ("post", "basic"):
        raise ValidationError({"token_auth": "Client authentication must be “post” or “basic”."})
    check_url = URLValidator(schemes=["https", "http"])
    for name in ("authorize_url", "token_url", *(["revoke_url"] if choice.revoke_url else [])):
        url = getattr(choice, name)
        local = urlsplit(url).scheme == "http" and urlsplit(url).hostname in ("127.0.0.1", "localhost")
        try:
            check_url(url)
        except ValidationError:
            raise ValidationError({name: "Enter a full URL, starting with https://."}) from None
        if not url.startswith("https://") and not local:
            raise ValidationError({name: "This URL must start with https://."})
