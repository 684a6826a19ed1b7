"""The audit log: what is recorded of a day, and that nothing of it can be changed."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from tests.publishing import publish
from web.accounts import audit, quotas
from web.accounts.models import User
from web.accounts.models_audit import Act, AuditRow
from web.accounts.services import create_key, create_sign_in_link, revoke_key
from web.builder.models_access import Sharing
from web.builder.services import create_gpt, set_sharing

CHANGES = (
    "UPDATE accounts_audit SET act = 'nothing' WHERE id = %s",
    "DELETE FROM accounts_audit WHERE id = %s",
    *(["REPLACE INTO accounts_audit VALUES (%s, '2020-01-01', 'nothing', '', '', '{}', NULL)"]
      if connection.vendor == "sqlite" else ["TRUNCATE accounts_audit /* %s */"]),
)  # fmt: skip


def acts() -> list[tuple[str, int | None, str]]:
    """What was recorded since this was called last, oldest first: act, person, and what it was about."""
    rows = list(AuditRow.objects.order_by("id"))
    audit.forget_before(timezone.now() + timedelta(days=1))
    return [(row.act, row.by_id, row.about_id) for row in rows]


def test_a_day_is_recorded(alice, bob, db) -> None:
    client = Client()
    sign_in = {"login": "alice@example.org", "password": "wrong"}
    client.post("/account/login/", sign_in)
    client.post("/account/login/", {**sign_in, "login": "nobody@example.org"})
    client.post("/account/login/", {**sign_in, "password": "alice-secret-1"})
    new = {"oldpassword": "alice-secret-1", "password1": "another-secret-9", "password2": "another-secret-9"}
    client.post("/account/password/change/", new)
    client.post("/account/logout/")
    who, of_alice = str(alice.pk), alice.pk
    assert acts() == [
        (Act.SIGN_IN_FAILED, None, who),
        (Act.SIGN_IN_FAILED, None, ""),
        (Act.SIGN_IN, of_alice, who),
        (Act.PASSWORD_CHANGED, of_alice, who),
        (Act.SIGN_OUT, of_alice, who),
    ]
    key, _ = create_key(alice, "my secret project")
    assert revoke_key(alice, key.id)
    assert not revoke_key(alice, key.id)
    create_sign_in_link(alice, by=bob)
    quotas.set_limit("messages", 5, alice, by=bob)
    quotas.reset_limit("messages", None, by=bob)  # there is none
    quotas.reset_limit("messages", alice, by=bob)
    assert acts() == [
        (Act.KEY_CREATED, of_alice, str(key.pk)),
        (Act.KEY_REVOKED, of_alice, str(key.pk)),
        (Act.LINK_MADE, bob.pk, who),
        (Act.QUOTA_CHANGED, bob.pk, who),
        (Act.QUOTA_CHANGED, bob.pk, who),
    ]
    gpt = create_gpt(alice, {"name": "Tax help"})
    publish(gpt, Sharing.LINK)
    set_sharing(gpt, Sharing.LINK, by=gpt.owner)  # as it was
    set_sharing(gpt, Sharing.ME, by=gpt.owner)
    assert [act for act, _, _ in acts()] == [Act.GPT_SHARED, Act.GPT_PUBLISHED, Act.GPT_SHARED]


@pytest.mark.parametrize("change", CHANGES)
def test_no_entry_can_be_changed(change, alice) -> None:
    audit.record(Act.SIGN_IN, alice, alice)
    entry = AuditRow.objects.get()
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change, [entry.pk])
    assert AuditRow.objects.get().act == Act.SIGN_IN


def test_old_entries_are_forgotten_and_the_rest_is_kept_as_before(alice) -> None:
    for _ in range(2):
        audit.record(Act.SIGN_IN, alice, alice)
    later = AuditRow.objects.first()
    assert audit.forget_before(later.at) == 1
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        AuditRow.objects.filter(id=later.id).delete()
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        AuditRow.objects.update(act=Act.SIGN_OUT)


def test_what_people_write_is_not_kept_and_an_erased_person_leaves_an_id(alice) -> None:
    audit.record(Act.GPT_DELETED, alice, "Alice's own words", why="because I say so", mail="alice@example.org", n=3)
    User.objects.filter(id=alice.id).delete()
    entry = AuditRow.objects.get(act=Act.GPT_DELETED)
    assert (entry.about_id, entry.facts) == (audit.TEXT, {"why": audit.TEXT, "mail": audit.TEXT, "n": 3})
    assert AuditRow.objects.select_related("by").get(id=entry.id).by_id
