"""Pages of a list of rows in the order in which they were made, as OpenAI's lists have them."""

from collections.abc import Callable
from typing import Any, Literal

from django.db.models import Q, QuerySet
from ninja import Schema
from pydantic import Field

from web.api.errors import ApiError


class Cursor(Schema):
    """Which rows of a list to return."""

    after: str | None = Field(None, max_length=200, description="The id of the row before the first.")
    limit: int = Field(20, ge=1, le=100)
    order: Literal["asc", "desc"] = "desc"


class LongCursor(Cursor):
    """Which rows of a list that may be returned whole."""

    limit: int = Field(10_000, ge=1, le=10_000)


def page_of(rows: "QuerySet[Any]", cursor: Cursor, find: Callable[[str], Any], shown: Callable[[Any], Any]) -> Any:
    """The page of `rows`, each as `shown`. `find` is the row with an id. Raises ApiError if `after` is not in it."""
    if cursor.after:
        last = rows.filter(id=find(cursor.after).id).first()
        if last is None:
            raise ApiError(400, f"“{cursor.after}” is not in this list.", "after", "invalid_value")
        side = "gt" if cursor.order == "asc" else "lt"
        same_moment = Q(created=last.created, **{f"id__{side}": last.id})
        rows = rows.filter(same_moment | Q(**{f"created__{side}": last.created}))
    ordered = rows.order_by("created", "id") if cursor.order == "asc" else rows.order_by("-created", "-id")
    found = list(ordered[: cursor.limit + 1])
    data = [shown(row) for row in found[: cursor.limit]]
    ends = {"first_id": data[0].id, "last_id": data[-1].id} if data else {"first_id": None, "last_id": None}
    return {"object": "list", "data": data, "has_more": len(found) > cursor.limit, **ends}
