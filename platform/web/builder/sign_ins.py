"""People's sign-ins to the services that actions call: OAuth 2 with authorization code, `state` and PKCE."""

import hashlib
import json
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

from authlib.common.security import generate_token
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext

from gpts.spec.actions import host_of, named_operations
from gpts.spec.gpt import GptSpec
from web import rpc
from web.accounts.models import User
from web.builder.models import Gpt
from web.builder.models_actions import Action, Auth, SignIn

SIGN_IN_TIMEOUT_S: Final = 40.0


def redirect_uri(action: Action) -> str:
    """The URL that the service redirects people to; the creator registers it with the service.

    Each action has its own, so that one service's response is never taken for another's.
    """
    return settings.SITE_URL + reverse("action_callback", args=[action.id])


def sign_in_needed(spec: GptSpec, user: Any) -> dict[str, str]:
    """For each tool that `user` must sign in for first: its name and the host to sign in to."""
    wanted = {each.action_id: each for each in spec.actions if each.auth == "oauth"}
    if not wanted:
        return {}
    signed = SignIn.objects.filter(user=user, action__in=list(wanted)).exclude(sealed="")
    done = {(str(action_id), host) for action_id, host in signed.values_list("action_id", "host")}
    return {
        name: host
        for name, (action, _) in named_operations(spec.actions).items()
        if action.action_id in wanted and (action.action_id, host := host_of(action.base_url)) not in done
    }


def access_sign_in_action(user: User, action_id: UUID) -> Action:
    """The OAuth action `action_id` of a GPT that `user` may chat with. Raises Http404."""
    action = Action.objects.filter(id=action_id, auth=Auth.OAUTH).select_related("gpt").first()
    if action is None or not Gpt.objects.chattable_by(user).filter(id=action.gpt_id).exists():
        raise Http404("This action doesn’t use sign-in.")
    return action


def sign_in_hosts(action: Action) -> dict[str, list[str]]:
    """Every host that takes part when a person signs in, and what each does, in the order of the sign-in.

    The creator chose them, and each could act with the person's account: only the API's own host goes without saying.
    """
    duties = (
        (action.oauth["authorize_url"], gettext("You sign in on its page.")),
        (action.oauth["token_url"], gettext("Exchanges your sign-in for access to your account.")),
        (action.base_url, gettext("Is called with your account.")),
        (action.oauth.get("revoke_url", ""), gettext("Ends the access when you sign out.")),
    )
    hosts: dict[str, list[str]] = {}
    for url, duty in duties:
        if url:
            hosts.setdefault(host_of(url), []).append(duty)
    return hosts


def service_digest(action: Action) -> str:
    """A digest of the service as the person saw it: a sign-in ends if its creator changes a URL meanwhile."""
    return hashlib.sha256(json.dumps([action.base_url, action.oauth], sort_keys=True).encode()).hexdigest()


def begin_sign_in(action: Action) -> tuple[str, str, str]:
    """The service's URL to redirect the person to, with its state and its verifier (PKCE, S256)."""
    state, verifier = generate_token(43), generate_token(64)
    url = prepare_grant_uri(
        action.oauth["authorize_url"],
        client_id=action.oauth["client_id"],
        response_type="code",
        redirect_uri=redirect_uri(action),
        scope=action.oauth["scope"] or None,
        state=state,
        code_challenge=create_s256_code_challenge(verifier),
        code_challenge_method="S256",
    )
    return url, state, verifier


def finish_sign_in(user: User, action: Action, code: str, verifier: str, service: str) -> SignIn:
    """The person's sign-in, for which a worker exchanged `code` for tokens. Raises ValidationError, NoResult.

    `service` is the digest from the start of the sign-in.
    """
    sign_in, _ = SignIn.objects.get_or_create(user=user, action=action)
    sign_in.pending = sign_in.seal({"code": code, "verifier": verifier, "service": service})
    sign_in.save(update_fields=["pending"])
    task = "workers.tasks.exchange_code"
    result = rpc.call_for(user.pk, task, str(sign_in.pk), queue="tools", timeout_s=SIGN_IN_TIMEOUT_S)
    if refused := result.get("refused"):
        raise ValidationError(refused)
    sign_in.refresh_from_db()
    return sign_in


def sign_ins_of(user: Any) -> QuerySet[SignIn]:
    """Where `user` is signed in for actions of GPTs."""
    return SignIn.objects.filter(user=user).exclude(sealed="").select_related("action__gpt__published")


def sign_out(user: User, action_id: UUID) -> SignIn:
    """Delete the person's tokens, which a worker first revokes if the service supports that. Raises Http404."""
    sign_in = SignIn.objects.filter(user=user, action=action_id).select_related("action").first()
    if sign_in is None:
        raise Http404("You’re not signed in there.")
    if sign_in.sealed and sign_in.action.oauth.get("revoke_url"):
        with suppress(rpc.NoResult):  # deleted here in any case
            task = "workers.tasks.revoke_sign_in"
            rpc.call_for(user.pk, task, str(sign_in.pk), queue="tools", timeout_s=SIGN_IN_TIMEOUT_S)
    SignIn.objects.filter(pk=sign_in.pk).delete()
    return sign_in
