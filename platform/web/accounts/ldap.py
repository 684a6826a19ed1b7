"""Sign-in with the password of an LDAP directory (`[ldap]` in `web/sign_in.py`).

The directory decides who has the addresses of its trusted domains, and says nothing of others. One that does not
answer signs nobody in; other ways to sign in go on.
"""

import logging
from typing import Any, Final

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.db import transaction
from django.http import HttpRequest

from web.accounts import invitations, memberships
from web.accounts.models import User
from web.accounts.passwords import MAX_CHARS
from web.accounts.services import confirm, is_confirmed
from web.sign_in import LdapDirectory

logger = logging.getLogger(__name__)
MAX_EMAIL_CHARS: Final = 254


class LdapBackend(ModelBackend):
    """Django's own, but for the password, which the directory checks."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:  # type: ignore[override]
        """The person whose address and password these are in the directory; None for anybody else."""
        email, password = str(credentials.get("email") or "").strip().lower(), credentials.get("password")
        directory: LdapDirectory | None = settings.SIGN_IN.ldap
        # An empty password is an anonymous bind, which succeeds for everybody (RFC 4513, 5.1.2).
        if directory is None or not password or not invitations.is_of(email, directory.trusted_domains):
            return None
        if len(email) > MAX_EMAIL_CHARS or len(password) > MAX_CHARS:
            return None
        from web.accounts import ldap_directory  # with ldap3, which other sites do without

        try:
            found = ldap_directory.check(directory, email, password)
        except ldap_directory.LDAPException:
            logger.exception("the LDAP directory can't be asked")
            return None
        if found is None:
            return None
        return person(directory, request, email, *found)


@transaction.atomic
def person(
    directory: LdapDirectory, request: HttpRequest | None, email: str, name: str, groups: list[str]
) -> User | None:
    """The account of somebody whom the directory knows, made if there is none; None if there may be none."""
    user = User.objects.filter(email=email).first()
    if user is None:
        if not directory.sign_up and not (request and invitations.may_have_account(request, email)):
            return None
        user = User.objects.create_user(email, name=name[:60])
        EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    elif not is_confirmed(user):
        confirm(user)  # whoever registered the address may have been a stranger
    if directory.groups or directory.groups_base:
        memberships.take_over(user, memberships.names_of(groups), "sign-in:ldap")
        if directory.operators:
            memberships.set_operator(user, directory.operators in groups, "sign-in:ldap")
    return user
