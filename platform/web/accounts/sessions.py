"""The browsers in which a person is signed in. allauth notes each at sign-in; Django's sessions decide."""

from typing import Final

from allauth.usersessions.models import UserSession
from django.contrib.auth import update_session_auth_hash
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest

from web.accounts import audit
from web.accounts.models import User

# What browsers and systems call themselves, the special first: Edge says that it is Chrome and Safari too.
_BROWSERS: Final = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
_SYSTEMS: Final = {
    "Windows": "Windows",
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "CrOS": "ChromeOS",
    "Mac OS": "macOS",
    "Linux": "Linux",
}


def browser_name(user_agent: str) -> str:
    """“Firefox, Windows” of what a browser sends of itself; the beginning of anything else."""
    found = [next((name for key, name in known.items() if key in user_agent), "") for known in (_BROWSERS, _SYSTEMS)]
    return ", ".join(filter(None, found)) or user_agent[:60]


def live_sessions(user: User, request: HttpRequest) -> list[UserSession]:
    """The sessions of `user`, that of the request first, then the newest. It is noted if no sign-in did."""
    if request.user == user and not UserSession.objects.filter(session_key=request.session.session_key).exists():
        UserSession.objects.create_from_request(request)
    found: list[UserSession] = UserSession.objects.purge_and_list(user)
    for session in found:
        session.browser = browser_name(session.user_agent)
    return sorted(found, key=lambda each: (not each.is_current(), -each.created_at.timestamp()))


def end_session(user: User, session_id: str) -> bool:
    """End one session. Whether `user` had it."""
    session = UserSession.objects.filter(user=user, id=session_id).first() if session_id.isdecimal() else None
    if session:
        session.end()
    return session is not None


@transaction.atomic
def end_all_sessions(user: User, by: User | None, but: HttpRequest | None = None) -> None:
    """End every session of `user`, also those that nobody noted, except that of the request `but`; `by` wants it."""
    audit.record(audit.Act.PERSON_SIGNED_OUT, by, user)
    User.objects.filter(id=user.id).update(sign_outs=F("sign_outs") + 1)
    user.refresh_from_db(fields=["sign_outs"])
    for session in UserSession.objects.filter(user=user):
        if but is None or session.session_key != but.session.session_key:
            session.end()
    if but is not None:
        UserSession.objects.filter(session_key=but.session.session_key).delete()
        update_session_auth_hash(but, user)  # with a new key
        UserSession.objects.create_from_request(but)
