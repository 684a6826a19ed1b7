"""Pages of lists of rows, in the order in which they were made, and the end of a row, as OpenAI shows them."""

from collections.abc import Callable
from datetime import datetime
from itertools import chain
from typing import Any, Literal

from django.db.models import Q, QuerySet
from ninja import Schema
from pydantic import Field

from web.api.errors import ApiError


class Deleted(Schema):
    """Confirms that it is deleted."""

    id: str
    object: str
    deleted: Literal[True] = True


class RowPage(Schema):
    """A page of a list."""

    object: Literal["list"] = "list"
    first_id: str | None
    last_id: str | None
    has_more: bool


class ItemList(RowPage):
    """Items, with the first and the last id for the next page."""

    data: list[dict[str, Any]]


class Cursor(Schema):
    """Which rows of a list to return."""

    after: str | None = Field(None, max_length=200, description="The id of the row before the first.")
    limit: int = Field(20, ge=1, le=100)
    order: Literal["asc", "desc"] = "desc"


class OldestFirst(Cursor):
    """Which rows of a list that begins with the oldest."""

    order: Literal["asc", "desc"] = "asc"


class LongCursor(Cursor):
    """Which rows of a list that may be returned whole."""

    limit: int = Field(10_000, ge=1, le=10_000)


def rows_after(rows: "QuerySet[Any]", place: tuple[datetime, Any] | None, *, oldest_first: bool) -> "QuerySet[Any]":
    """The rows in order, and only those after `place`: `created` and primary key of a row, which may be gone."""
    side = "gt" if oldest_first else "lt"
    if place:
        created, pk = place
        same_moment = Q(**{"created": created, f"pk__{side}": pk})
        rows = rows.filter(same_moment | Q(**{f"created__{side}": created}))
    return rows.order_by("created", "pk") if oldest_first else rows.order_by("-created", "-pk")


def page_of(
    rows: "QuerySet[Any]",
    cursor: Cursor,
    find: Callable[[str], Any],
    shown: Callable[[Any], Any],
    *more: "QuerySet[Any]",
) -> Any:
    """The page of `rows` and those of `more` tables, each as `shown`. `find` is the row with an id.

    Raises ApiError if `after` is not among them.
    """
    tables, last = (rows, *more), None
    if cursor.after:
        at = find(cursor.after).id
        last = next(filter(None, (table.filter(id=at).first() for table in tables)), None)
    if cursor.after and last is None:
        raise ApiError(400, f"“{cursor.after}” is not in this list.", "after", "invalid_value")
    place = (last.created, last.pk) if last else None
    oldest_first = cursor.order == "asc"
    merged = (rows_after(table, place, oldest_first=oldest_first)[: cursor.limit + 1] for table in tables)
    found = sorted(chain(*merged), key=lambda row: (row.created, row.pk), reverse=not oldest_first)
    data = [shown(row) for row in found[: cursor.limit]]
    ends = {"first_id": data[0].id, "last_id": data[-1].id} if data else {"first_id": None, "last_id": None}
    return {"object": "list", "data": data, "has_more": len(found) > cursor.limit, **ends}


def listed(items: list[dict[str, Any]], page: Cursor) -> ItemList:
    """A page of `items`, which are given oldest first. Raises ApiError for an unknown id."""
    ordered = items if page.order == "asc" else items[::-1]
    start = 0
    if page.after:
        ids = [item["id"] for item in ordered]
        if page.after not in ids:
            raise ApiError(400, f"No item “{page.after}” in this list.", "after", "invalid_value")
        start = ids.index(page.after) + 1
    data = ordered[start : start + page.limit]
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {"first_id": None, "last_id": None}
    return ItemList(data=data, has_more=start + page.limit < len(ordered), **ends)
