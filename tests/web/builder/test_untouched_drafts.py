"""A draft in which nothing was filled in is none: it isn't listed, and goes when the next one is begun."""

from datetime import timedelta

import pytest
from django.utils import timezone

from gpts.spec.gpt import UNTITLED
from web.builder.files import add_file
from web.builder.models import Gpt
from web.builder.services import create_gpt, update_gpt

pytestmark = pytest.mark.django_db


@pytest.fixture
def empty(alice) -> Gpt:
    return create_gpt(alice, {"name": UNTITLED})


def listed(client) -> bool:
    return UNTITLED in client.get("/gpts/").content.decode()


def test_it_is_not_listed_until_something_is_in_it(as_alice, empty):
    assert not listed(as_alice)
    update_gpt(empty, {"starters": ["Why?"]}, by=empty.owner)
    assert listed(as_alice)


def test_a_file_is_something(as_alice, empty, home):
    add_file(empty, "bread.txt", [b"Rye"])
    assert listed(as_alice)


def test_beginning_another_one_deletes_those_left_empty(as_alice, alice, empty):
    kept = create_gpt(alice, {"name": UNTITLED, "description": "Bread."})
    as_alice.post("/gpts/describe", {"text": ""})
    assert Gpt.objects.filter(owner=alice, deleted=None).count() == 3  # a model may still be filling it in
    Gpt.objects.update(created=timezone.now() - timedelta(hours=2))
    as_alice.post("/gpts/describe", {"text": ""})
    left = Gpt.objects.filter(owner=alice, deleted=None)
    assert left.count() == 2
    assert kept in left
