"""Adding people from a list: what a CSV file says, checked row by row, and the accounts that are made of it.

Nothing is stored between the preview and the accounts: the form sends the text again, which is checked again.
"""

import codecs
import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from gpts.safety.invisible_characters import visible
from web.accounts import audit
from web.accounts.models import SignInLink, User
from web.accounts.passwords import new_password
from web.accounts.services import confirmed_people, new_sign_in_link
from web.accounts.user_names import checked_address, name_of

MOST_ROWS: Final = 500
MOST_BYTES: Final = 200_000
LINK_LIFETIME: Final = timedelta(days=14)  # until everybody in a class has been there
# What the columns are called in the first row, in the site's languages. Without such a row: name, login, group.
COLUMNS: Final = {
    "first": "first name|given name|vorname|prénom|prenom|nombre|名",
    "name": "name|full name|last name|surname|nachname|familienname|nom|apellidos|apellido|姓名|姓",
    "login": "user name|username|user|login|email|e-mail|email address|mail|benutzername|anmeldename|e-mail-adresse"
    "|identifiant|courriel|usuario|correo|correo electrónico|用户名|邮箱|电子邮件",
    "group": "group|class|gruppe|klasse|groupe|classe|grupo|clase|组|班级",
}
_COLUMN: Final = {title: column for column, titles in COLUMNS.items() for title in titles.split("|")}


@dataclass(frozen=True, slots=True)
class Row:
    """A person of the list, at this line; `has_account`: they are here already. With an `error` nothing is added."""

    line: int
    name: str
    login: str
    group: str
    address: str = ""
    has_account: bool = False
    error: str = ""

    @property
    def is_new(self) -> bool:
        """Whether an account would be made."""
        return not self.has_account and not self.error


@dataclass(frozen=True, slots=True)
class Added:
    """A new account, and what its person signs in with: a password, or a link."""

    name: str
    login: str
    group: str
    secret: str


def decoded(data: bytes) -> str:
    """The text of a file, as spreadsheets write it. Raises ValidationError."""
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ValidationError("This isn’t a text file. Save the list as CSV in UTF-8.")


def rows_of(text: str, group: str = "") -> list[Row]:
    """The people in the list; `group` is that of rows which name none. Raises ValidationError if it is no list."""
    rows = list(_read(text, group))
    if not rows:
        raise ValidationError("The list is empty.")
    if len(rows) > MOST_ROWS:
        raise ValidationError(f"Too long: the list has {len(rows)} people. Add up to {MOST_ROWS} at once.")
    return _compared([_checked(row) for row in rows])


def _read(text: str, group: str) -> Iterator[Row]:
    lines = text.removeprefix("\ufeff").splitlines()
    if lines and lines[0].lower().startswith("sep="):  # which Excel writes, and reads
        lines[0] = ""
    mark = max("\t;,", key=lambda mark: sum(mark in line for line in lines))
    reader = csv.reader(io.StringIO("\n".join(lines)), delimiter=mark)
    columns: list[str] = []
    try:
        for cells in reader:
            cells = [" ".join(visible(cell).split()) for cell in cells]
            if not any(cells):
                continue
            if not columns:
                titles = [_COLUMN.get(cell.lower(), "") for cell in cells]
                is_head = "login" in titles or all(titles)
                columns = titles if is_head else ["login"] if len(cells) == 1 else ["name", "login", "group"]
                if is_head:
                    continue
            found = dict(zip(columns, cells, strict=False))
            name = f"{found.get('first', '')} {found.get('name', '')}".strip()
            yield Row(reader.line_num, name, found.get("login", ""), found.get("group") or group)
    except csv.Error as error:
        raise ValidationError(f"Line {reader.line_num} can’t be read: {error}.") from None


def _checked(row: Row) -> Row:
    """The row with its address, or with what is wrong with it alone."""
    if not row.login:
        return replace(row, error="No user name or email address.")
    for name, text, most in (("name", row.name, 60), ("group", row.group, 150)):
        if len(text) > most:
            return replace(row, error=f"The {name} is too long: {len(text)} of {most} characters.")
    try:
        return replace(row, address=checked_address(row.login))
    except ValidationError as error:
        return replace(row, error=error.messages[0])


def _compared(rows: list[Row]) -> list[Row]:
    """The rows, with what others and accounts make of them."""
    addresses = [row.address for row in rows if row.address]
    taken = set(User.objects.filter(email__in=addresses).values_list("email", flat=True))
    proven = set(confirmed_people().filter(email__in=taken, is_active=True).values_list("email", flat=True))
    others = EmailAddress.objects.filter(email__in=addresses, verified=True).exclude(email__in=taken)
    second = set(others.values_list("email", flat=True))
    lines: dict[str, int] = {}
    compared = []
    for row in rows:
        before = lines.setdefault(row.address, row.line) if row.address else row.line
        error = row.error
        if before != row.line:
            error = f"Is in line {before} already."
        elif row.address in taken - proven:
            error = "Has an account that is suspended, or whose address nobody confirmed. See its page."
        elif row.address in second:
            error = "This is another address of somebody with an account."
        compared.append(replace(row, error=error, has_account=row.address in taken))
    return compared


def add_people(rows: Iterable[Row], by: User, *, with_links: bool) -> list[Added]:
    """Make the accounts, and put everybody in the list into their groups. Raises ValidationError if nothing was done.

    The operator vouches for the addresses, as for one that they type.
    """
    rows = list(rows)
    if any(row.error for row in rows):
        raise ValidationError("Some rows have errors. Nobody was added.")
    new = [row for row in rows if not row.has_account]
    given = {row.address: "" if with_links else new_password() for row in new}
    # Before the transaction: each takes 20 ms or more, in which nobody else could write.
    people = [
        User(email=row.address, name=row.name, password=make_password(given[row.address] or None)) for row in new
    ]
    try:
        with transaction.atomic():
            _save(people, rows, by)
            if with_links:
                links = [new_sign_in_link(person, LINK_LIFETIME) for person in people]
                SignInLink.objects.bulk_create([link for link, _ in links])
                given = {link.user.email: url for link, url in links}
    except IntegrityError:
        raise ValidationError("Somebody in the list got an account just now. Check the list again.") from None
    return [Added(row.name, name_of(row.address), row.group, given[row.address]) for row in new]


def _save(people: list[User], rows: list[Row], by: User) -> None:
    """Save the new people and everybody's groups, with one entry in the audit log."""
    User.objects.bulk_create(people)
    EmailAddress.objects.bulk_create(
        [EmailAddress(user=person, email=person.email, verified=True, primary=True) for person in people]
    )
    wanted: dict[str, list[str]] = {}
    for row in rows:
        if row.group:
            wanted.setdefault(row.group, []).append(row.address)
    for name, addresses in wanted.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.user_set.add(*User.objects.filter(email__in=addresses))
    n_here = len(rows) - len(people)
    audit.record(audit.Act.PEOPLE_ADDED, by, new=len(people), already_here=n_here, groups=len(wanted))
