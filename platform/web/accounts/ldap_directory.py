"""An LDAP directory, asked whose address and password these are: search for the address, then bind.

Requests go to the one server that the operator names, encrypted, and follow no referral, which would hand passwords
to another server. ldap3, which has had no release since 2021, is loaded by this module alone, and this module only by
a site that has set up a directory.
"""

import ssl
from typing import Any, Final

import ldap3
from ldap3.core.exceptions import LDAPException as LDAPException
from ldap3.utils.conv import escape_filter_chars
from ldap3.utils.dn import parse_dn

from web.accounts import memberships
from web.sign_in import LdapDirectory

TIMEOUT_S: Final = 5


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
