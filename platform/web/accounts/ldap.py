"""Sign-in with the password of an LDAP directory (`[ldap]` in `web/sign_in.py`): search for the address, then bind.

The directory decides who has the addresses of its trusted domains, and says nothing of others. Requests go to the
one server that the operator names, encrypted, and follow no referral, which would hand passwords to another server.
A directory that does not answer signs nobody in; other ways to sign in go on.
"""

import logging
import ssl
from typing import Any, Final

import ldap3
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.db import transaction
from django.http import HttpRequest
from ldap3.core.exceptions import LDAPException
from ldap3.utils.conv import escape_filter_chars
from ldap3.utils.dn import parse_dn

from web.accounts import invitations, memberships
from web.accounts.models import User
from web.accounts.services import confirm, is_confirmed
from web.sign_in import LdapDirectory

logger = logging.getLogger(__name__)
TIMEOUT_S: Final = 5


class LdapBackend(ModelBackend):
    """Django's own, but for the password, which the directory checks."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:  # type: ignore[override]
        """The person whose address and password these are in the directory; None for anybody else."""
        email, password = str(credentials.get("email") or "").strip().lower(), credentials.get("password")
        directory: LdapDirectory | None = settings.SIGN_IN.ldap
        # An empty password is an anonymous bind, which succeeds for everybody (RFC 4513, 5.1.2).
        if directory is None or not password or not invitations.is_of(email, directory.trusted_domains):
            return None
        try:
            found = check(directory, email, password)
        except LDAPException:
            logger.exception("the LDAP directory can't be asked")
            return None
        if found is None:
            return None
        return person(directory, request, email, *found)


def connect(directory: LdapDirectory, user: str, password: str) -> ldap3.Connection | None:
    """A connection bound as `user`, or anonymously for ""; None if the password is wrong. Raises LDAPException."""
    tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=directory.ca_file or None)
    server = ldap3.Server(directory.url, tls=tls, connect_timeout=TIMEOUT_S, get_info=ldap3.NONE)
    options = {"receive_timeout": TIMEOUT_S, "read_only": True, "auto_referrals": False}
    connection = ldap3.Connection(server, user or None, password or None, **options)
    connection.open()
    if directory.url.startswith("ldap://") and directory.start_tls:
        connection.start_tls()
    return connection if connection.bind() else None


def check(directory: LdapDirectory, email: str, password: str) -> tuple[str, list[str]] | None:
    """Name and groups of the one person with this address and password; None for none. Raises LDAPException."""
    searching = connect(directory, directory.bind_dn, directory.password.get_secret_value())
    if searching is None:
        raise LDAPException("the directory refuses bind_dn and its password")
    with searching:
        query = f"({directory.email}={escape_filter_chars(email)})"
        attributes = [each for each in (directory.name, directory.groups) if each]
        entries = _search(searching, directory.base, query, attributes, 2)
        if len(entries) != 1:
            return None
        dn, fields = entries[0]["dn"], entries[0]["attributes"]
        bound = connect(directory, dn, password)
        if bound is None:
            return None
        bound.unbind()
        return _first(fields.get(directory.name)), [*_groups(fields, directory), *_searched(searching, directory, dn)]


def _search(connection: ldap3.Connection, base: str, query: str, attributes: list[str], most: int) -> list[Any]:
    connection.search(base, query, attributes=attributes, size_limit=most, time_limit=TIMEOUT_S)
    return [each for each in connection.response or [] if each.get("type") == "searchResEntry"]


def _first(value: Any) -> str:
    return str(value[0] if value else "") if isinstance(value, list) else str(value or "")


def _groups(fields: Any, directory: LdapDirectory) -> list[str]:
    """The names in the attribute of a person that lists their groups, which are usually DNs: cn=7b,ou=… is 7b."""
    listed = fields.get(directory.groups) or [] if directory.groups else []
    return [_name(str(each)) for each in ([listed] if isinstance(listed, str) else listed)]


def _name(text: str) -> str:
    return str(parse_dn(text)[0][1]) if "=" in text else text


def _searched(connection: ldap3.Connection, directory: LdapDirectory, dn: str) -> list[str]:
    """The names of the groups that list the person `dn` as a member."""
    if not directory.groups_base:
        return []
    query = f"(|(member={escape_filter_chars(dn)})(uniqueMember={escape_filter_chars(dn)}))"
    found = _search(connection, directory.groups_base, query, ["cn"], memberships.MOST_GROUPS)
    return [_first(each["attributes"].get("cn")) for each in found]


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
