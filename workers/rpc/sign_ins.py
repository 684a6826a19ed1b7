"""The credentials of calls: creators' keys, and the OAuth tokens of the user whose run it is.

Workers fetch, renew and revoke tokens, because only they may connect to addresses that a creator chose, through the
guard. Responses of token endpoints are never logged or shown, as they may contain tokens.
"""

import base64
import json
import time
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_token_request
from django.db.models import Q
from django.utils import timezone

from web.builder.actions import called_by
from web.builder.models_actions import Action, Auth, McpServerRow, Outside, RemoteAgentRow, SignIn
from web.builder.sign_ins import redirect_uri, service_digest
from web.secrets import SecretLost
from workers.egress import EgressConfig, EgressError, FetchLimits, fetch
from workers.tools import SignInNeeded, ToolError
from workers.tools.credentials import Credential

UNSEEN: Final = (
    "The key for {name} was entered before this operation was added or its address changed, so it wasn't sent. "
    "Someone who edits the GPT has to enter a key again."
)
GONE: Final = "This action was removed from the GPT."
# Tokens are renewed this long before they expire, so that they do not expire on the way.
EARLY_S: Final = 60
# Longer than TOKEN_LIMITS lets a renewal take: after that its worker is dead.
RENEWAL_S: Final = 25
TOKEN_LIMITS: Final = FetchLimits(max_bytes=200_000, timeout_s=20.0, max_redirects=0)


class TokenRefused(Exception):
    """The service returned no token; the message is for the user and has no text of the service."""


def find_credential(egress: EgressConfig, owner_id: str, user_id: int, host: str, call: str = "") -> Credential:
    """The credential for the user's request to `host` by the action, MCP server or agent `owner_id`.

    `call` is what an action calls. Raises SignInNeeded, and ToolError if it was removed, or its key is missing or
    meant for another host or other calls.
    """
    row = _row(owner_id)
    if row.auth == Auth.OAUTH and isinstance(row, Action):
        return _bearer(token_of(egress, row, user_id, host))
    if row.auth == Auth.NONE:
        return Credential()
    if not row.secret:
        raise ToolError(f"The key for {row.name} is missing. The GPT's creator has to enter it.")
    if row.secret_host != host:
        raise ToolError(f"The key for {row.name} was entered for {row.secret_host}, not {host}, so it wasn't sent.")
    if row.secret_for is not None and call not in row.secret_for:
        raise ToolError(UNSEEN.format(name=row.name))
    try:
        return _key(row, row.open_secret())
    except SecretLost:
        raise ToolError(f"The key for {row.name} can't be read. The GPT's creator has to enter it again.") from None


def _row(owner_id: str) -> Outside:
    """The action, MCP server or agent, if it is in the draft or published version of an existing GPT."""
    for model in (Action, McpServerRow, RemoteAgentRow):
        rows = model._default_manager.filter(id=UUID(owner_id), gpt__deleted=None).select_related("gpt__published")
        row = rows.first()
        published = row and row.gpt.published
        if row and (row.removed is None or (published and str(row.id) in called_by(published.spec()))):
            return row
    raise ToolError(GONE)


def _key(row: Outside, secret: str) -> Credential:
    if row.auth == Auth.HEADER:
        return Credential({row.header: secret}, (secret, secret.split(" ")[-1]))
    if row.auth == Auth.BASIC:
        # "user:password" is encoded here; a key without a colon is encoded already.
        coded = base64.b64encode(secret.encode()).decode() if ":" in secret else secret
        return Credential({"Authorization": f"Basic {coded}"}, (secret, coded, *secret.split(":", 1)[1:]))
    return _bearer(secret)


def _bearer(token: str) -> Credential:
    return Credential({"Authorization": f"Bearer {token}"}, (token,))


def token_of(egress: EgressConfig, action: Action, user_id: int, host: str) -> str:
    """The user's token for `host`, renewed if it is about to expire. Raises SignInNeeded."""
    needed = SignInNeeded(f"Sign in to {host} first.")
    sign_in = SignIn.objects.filter(action=action, user_id=user_id, host=host).exclude(sealed="").first()
    if sign_in is None:
        raise needed
    try:
        tokens = sign_in.unseal(sign_in.sealed)
        if not _ends_soon(tokens):
            return str(tokens["access_token"])
        return str(_renewed(egress, sign_in)["access_token"])
    except (SecretLost, TokenRefused):
        SignIn.objects.filter(pk=sign_in.pk, sealed=sign_in.sealed).update(sealed="")
        raise needed from None


def _ends_soon(tokens: dict[str, Any]) -> bool:
    return tokens.get("expires_at") is not None and tokens["expires_at"] < time.time() + EARLY_S


def _renewed(egress: EgressConfig, sign_in: SignIn) -> dict[str, Any]:
    """The tokens after a renewal by this worker or another one. Raises TokenRefused, ToolError."""
    waits_until = time.monotonic() + RENEWAL_S
    while time.monotonic() < waits_until:
        sign_in.refresh_from_db()
        tokens = sign_in.unseal(sign_in.sealed)
        if not tokens:
            raise TokenRefused("The sign-in has ended.")
        if not _ends_soon(tokens):
            return tokens
        # One worker renews: services often accept a refresh token only once.
        now = timezone.now()
        free = Q(refreshing_until=None) | Q(refreshing_until__lt=now)
        rows = SignIn.objects.filter(free, pk=sign_in.pk, sealed=sign_in.sealed)
        if rows.update(refreshing_until=now + timedelta(seconds=RENEWAL_S)):
            return _renew(egress, sign_in)
        time.sleep(0.1)
    raise ToolError(f"Couldn't renew the sign-in to {sign_in.host} in time. Try again.")


def _renew(egress: EgressConfig, sign_in: SignIn) -> dict[str, Any]:
    try:
        old = sign_in.unseal(sign_in.sealed)
        if not old.get("refresh_token"):
            raise TokenRefused("The sign-in has ended.")
        new = _tokens(egress, sign_in.action, "refresh_token", refresh_token=old["refresh_token"])
        tokens = {**new, "refresh_token": new["refresh_token"] or old["refresh_token"]}
        SignIn.objects.filter(pk=sign_in.pk).update(sealed=sign_in.seal(tokens))
        return tokens
    finally:
        SignIn.objects.filter(pk=sign_in.pk).update(refreshing_until=None)


def exchange_code(sign_in_id: int, egress: EgressConfig) -> dict[str, Any]:
    """Exchange the pending code of a sign-in for tokens; the reason for a failure is in `refused`."""
    sign_in = SignIn.objects.select_related("action__gpt", "user").filter(pk=sign_in_id).exclude(pending="").first()
    # Claimed by one worker only: a code is valid once.
    if sign_in is None or not SignIn.objects.filter(pk=sign_in_id, pending=sign_in.pending).update(pending=""):
        return {"refused": "No sign-in in progress."}
    try:
        pending = sign_in.unseal(sign_in.pending)
        action = sign_in.action
        if pending["service"] != service_digest(action):  # the code is not for hosts that the person didn't see
            return {"refused": "The GPT’s creator changed this service meanwhile. Start again."}
        fields = {"code": pending["code"], "code_verifier": pending["verifier"], "redirect_uri": redirect_uri(action)}
        tokens = _tokens(egress, action, "authorization_code", **fields)
    except (TokenRefused, ToolError, SecretLost) as error:
        return {"refused": str(error)}
    SignIn.objects.filter(pk=sign_in_id).update(sealed=sign_in.seal(tokens), host=action.host)
    return {"host": action.host}


def revoke(sign_in_id: int, egress: EgressConfig) -> dict[str, Any]:
    """Revoke the user's tokens at the service (RFC 7009)."""
    sign_in = SignIn.objects.select_related("action__gpt").filter(pk=sign_in_id).exclude(sealed="").first()
    if sign_in is None or not sign_in.action.oauth.get("revoke_url"):
        return {"revoked": False}
    tokens = sign_in.unseal(sign_in.sealed)
    token = tokens.get("refresh_token") or tokens["access_token"]
    try:
        form = prepare_token_request("", token=token)
        status, _ = _post(egress, sign_in.action, sign_in.action.oauth["revoke_url"], form)
    except ToolError:
        return {"revoked": False}
    return {"revoked": status < 400}


def _tokens(egress: EgressConfig, action: Action, grant: str, **fields: str) -> dict[str, Any]:
    """The tokens that the token endpoint returns for `grant`. Raises TokenRefused, ToolError."""
    host = urlsplit(action.oauth["token_url"]).hostname
    status, answer = _post(egress, action, action.oauth["token_url"], prepare_token_request(grant, **fields))
    token = answer.get("access_token")
    if status >= 500:
        raise ToolError(f"{host} had an internal error (status {status}). Try again later.")
    if status >= 400 or not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise TokenRefused(f"{host} rejected the sign-in (status {status}). Sign in again.")
    if str(answer.get("token_type", "bearer")).lower() != "bearer":
        raise TokenRefused(f"{host} returned an unsupported type of token.")
    lasts = answer.get("expires_in")
    seconds = float(str(lasts)) if isinstance(lasts, int | float) or str(lasts).isdigit() else None
    refresh = answer.get("refresh_token")
    return {
        "access_token": token,
        "refresh_token": refresh if isinstance(refresh, str) else "",
        "expires_at": time.time() + seconds if seconds is not None else None,
    }


def _post(egress: EgressConfig, action: Action, url: str, body: str) -> tuple[int, dict[str, Any]]:
    """The status and JSON of a form post with client authentication. Raises ToolError."""
    try:
        secret = action.open_secret()
    except SecretLost:
        message = f"The client secret of {action.name} can't be read. The GPT's creator has to enter it again."
        raise ToolError(message) from None
    method = f"client_secret_{action.oauth.get('token_auth', 'post')}" if secret else "none"
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    client = ClientAuth(action.oauth["client_id"], secret, method)
    url, headers, body = client.prepare("POST", url, headers, body)
    try:
        response = fetch(url, egress, method="POST", headers=headers, content=body.encode(), limits=TOKEN_LIMITS)
    except EgressError as error:
        raise ToolError(str(error)) from None
    try:
        answer = json.loads(response.content)
    except (ValueError, RecursionError):
        answer = {}
    return response.status, answer if isinstance(answer, dict) else {}
