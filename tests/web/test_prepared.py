"""Prepared queries: the same rows and changes as Django's own, for every call's own parameters."""

from datetime import timedelta
from threading import Thread

import pytest
from django.db import connection
from django.db.models import F, Q
from django.utils import timezone

from web.accounts.models import ApiKey, User
from web.builder.models import Gpt
from web.prepared import Change, Rows

pytestmark = pytest.mark.django_db


def test_rows_are_those_of_the_queryset_for_each_calls_parameters(alice, bob, django_assert_num_queries):
    now = timezone.now()
    keys = [
        ApiKey.objects.create(user=user, name=name, hash=name, prefix="", scopes=[name], expires=expires)
        for user, name, expires in ((alice, "one", now + timedelta(days=1)), (bob, "two", None))
    ]
    valid = Rows(
        lambda hash, now: ApiKey.objects.filter(Q(expires=None) | Q(expires__gt=now), hash=hash).select_related(
            "user"
        )
    )
    names = Rows(lambda user: ApiKey.objects.filter(user=user).values_list("name", flat=True))
    with django_assert_num_queries(5):
        for key in keys:
            [found] = valid(key.hash, now)
            assert (found, found.user, found.scopes, found.expires) == (key, key.user, key.scopes, key.expires)
        assert valid.first("one", now + timedelta(days=2)) is None
        assert (names(alice.pk), names(bob.pk)) == (["one"], ["two"])


def test_an_id_is_found_in_any_form(gpt):
    found = Rows(lambda id: Gpt.objects.filter(id=id))
    assert found(gpt.id) == found(str(gpt.id)) == [gpt]


def test_a_change_counts_its_rows_and_computes_with_their_values(alice, bob):
    renamed = Change(
        lambda id, name, n: (User.objects.filter(id=id), {"name": name, "sign_outs": F("sign_outs") + n})
    )
    assert [renamed(alice.pk, "Al", 2), renamed(alice.pk, "Ali", 3), renamed(0, "Nobody", 1)] == [1, 1, 0]
    assert User.objects.values_list("name", "sign_outs").get(id=alice.pk) == ("Ali", 5)
    assert User.objects.get(id=bob.pk).sign_outs == 0


@pytest.mark.django_db(transaction=True)
def test_another_thread_uses_its_own_connection(alice):
    people = Rows(lambda id: User.objects.filter(id=id))
    seen = [people(alice.pk)]

    def read() -> None:
        seen.append(people(alice.pk))
        connection.close()

    thread = Thread(target=read)
    thread.start()
    thread.join()
    assert seen == [[alice], [alice]]
