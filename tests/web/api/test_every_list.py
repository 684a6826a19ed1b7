"""Every list of both APIs, found in their documents, is read to its end: no item twice, none left out."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.apps import apps
from django.db import IntegrityError, models, transaction
from django.test import Client

from tests.web.access_scene import Scene, build
from tests.web.api.conftest import bearer
from web.accounts.models import User
from web.api.models import Response
from web.api.native import native
from web.api.v1 import v1

ROLES = ("chatter", "owner", "operator")
COPIES = 2
# Lists that have several items here, of 55; copies of the others' rows would break a rule.
SEVERAL = 29


def paged(api: Any, name: str) -> list[str]:
    """The paths that return a page at a time, by the name of the parameter that asks for the next."""
    found = []
    for path, methods in api.get_openapi_schema()["paths"].items():
        if {"limit", name} <= {parameter["name"] for parameter in methods.get("get", {}).get("parameters", ())}:
            found.append(path)
    return found


def copy_rows() -> None:
    """Add copies of every row of the site whose rules allow it, all of the same moment as their original."""
    for model in apps.get_models():
        # The id of a stored completion is that of its run, of which there is one.
        if not model.__module__.startswith("web.") or model in (User, Response):
            continue
        for row in list(model._default_manager.all()[:2]):
            created = getattr(row, "created", None)
            for number in range(COPIES):
                row.pk = uuid4() if isinstance(row.pk, UUID) else None
                row._state.adding = True
                for each in model._meta.fields:
                    if each.unique and isinstance(each, models.CharField) and not each.primary_key:
                        setattr(row, each.name, f"{getattr(row, each.name)[:40]}-{number}")
                try:
                    with transaction.atomic():
                        row.save(force_insert=True)
                        if created:  # which saving sets
                            model._default_manager.filter(pk=row.pk).update(created=created)
                except (IntegrityError, ValueError):
                    break


@pytest.fixture
def scene(db, settings, tmp_path) -> Scene:
    """All objects of the access matrix, most of them several times."""
    settings.API_REQUESTS_A_MINUTE, settings.MEDIA_ROOT = None, tmp_path
    scene = build()
    copy_rows()
    return scene


def cursor_pages(get: Callable[..., Any], limit: int) -> Iterator[list[Any]]:
    """The pages of a list of /api."""
    cursor = ""
    while cursor is not None:
        page = get(limit=limit, cursor=cursor)
        yield page["items"]
        cursor = page["next"]


def after_pages(get: Callable[..., Any], limit: int) -> Iterator[list[Any]]:
    """The pages of a list of /v1."""
    more: dict[str, Any] = {}
    while more is not None:
        page = get(limit=limit, **more)
        yield page["data"]
        assert (page["first_id"], page["last_id"]) == (
            (page["data"][0]["id"], page["data"][-1]["id"]) if page["data"] else (None, None)
        )
        more = {"after": page["last_id"]} if page["has_more"] else None


def test_every_list_is_read_to_its_end_without_repetitions_or_gaps(scene):
    lists = [(path, cursor_pages) for path in paged(native, "cursor")]
    lists += [(path, after_pages) for path in paged(v1, "after")]
    several = 0
    for path, pages in lists:
        address = scene.path(path.replace("{", "<").replace("}", ">"))
        several += any(read_to_end(bearer(scene.keys[role]), address, pages) for role in ROLES)
    assert several >= SEVERAL


def read_to_end(client: Client, address: str, pages: Callable[..., Iterator[list[Any]]]) -> bool:
    """Whether this person has a list there of more than one item, which its pages then have in order."""

    def get(**query: Any) -> Any:
        response = client.get(address, query)
        return response.json() if response.status_code == 200 else None

    if get(limit=1) is None:
        return False
    [whole] = pages(get, 100)
    limit = max(1, (len(whole) - 1) // 2)  # three pages, of which the last is short
    read = list(islice(pages(get, limit), len(whole) + 1))
    assert [item for items in read for item in items] == whole, address
    assert [len(items) for items in read[:-1]] == [limit] * (len(read) - 1), address
    assert len({str(item) for item in whole}) == len(whole), address
    return len(whole) > 1
