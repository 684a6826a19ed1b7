"""The lists of `/api`: a page at a time, from a cursor.

A cursor holds the place of the last item of a page, so pages neither repeat nor skip items while others are added or
deleted. Ninja's own CursorPagination counts items of equal time from the first, which moves when one is deleted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from django.core import signing
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from ninja import Schema
from ninja.pagination import PaginationBase
from pydantic import Field

from gpts.values import Text
from web.api.cursors import rows_after
from web.api.errors import ApiError

SALT: Final = "cursor"
ORDER_SALT: Final = "cursor in order"
NO_CURSOR: Final = "cursor: This is not the `next` of a page here."
SearchText = Annotated[Text, Field(max_length=200)]


@dataclass(frozen=True, slots=True)
class InOrder:
    """A query or sequence in an order of its own, which changes with time: a later page may repeat or skip some."""

    rows: Any


class Pages(PaginationBase):
    """`limit` items of a query by the time at which they were created, the newest first, or the oldest."""

    class Input(Schema):
        """The page to return."""

        limit: int = Field(50, ge=1, le=100)
        cursor: str = Field("", max_length=300, description="`next` of the page before; empty for the first page.")

    class Output(Schema):
        """A page of a list."""

        items: list[Any]
        next: str | None = Field(description="The `cursor` of the next page; null on the last.")

    def __init__(self, *, oldest_first: bool = False, each: Callable[[list[Any]], list[Any]] | None = None) -> None:
        """`each` makes the items of a page from its rows."""
        super().__init__()
        self._each = each
        self._oldest_first = oldest_first

    def paginate_queryset(
        self, queryset: QuerySet[Any] | InOrder, pagination: Input, request: HttpRequest, **params: Any
    ) -> dict[str, Any]:
        """The page. Raises ApiError for a cursor that no page gave."""
        if isinstance(queryset, InOrder):
            return _page_from(queryset.rows, pagination)
        place = _place(queryset.model, pagination.cursor) if pagination.cursor else None
        rows = list(rows_after(queryset, place, oldest_first=self._oldest_first)[: pagination.limit + 1])
        page = rows[: pagination.limit]
        items = self._each(page) if self._each else page
        return {"items": items, "next": _cursor(page[-1]) if len(rows) > len(page) else None}


def _page_from(rows: Any, pagination: Pages.Input) -> dict[str, Any]:
    """The page after as many rows as its cursor counts."""
    start = 0
    if pagination.cursor:
        try:
            start = int(signing.loads(pagination.cursor, salt=ORDER_SALT))
        except (signing.BadSignature, ValueError, TypeError) as error:
            raise ApiError(422, NO_CURSOR, "cursor", "invalid") from error
    end = start + pagination.limit
    items = list(rows[start : end + 1])
    has_more = len(items) > pagination.limit
    return {
        "items": items[: pagination.limit],
        "next": signing.dumps(end, salt=ORDER_SALT) if has_more else None,
    }


def _cursor(row: Any) -> str:
    return signing.dumps([row.created.isoformat(), str(row.pk)], salt=SALT)


def _place(model: type[Model], cursor: str) -> tuple[datetime, Any]:
    try:
        created, pk = signing.loads(cursor, salt=SALT)
        return datetime.fromisoformat(created), model._meta.pk.to_python(pk)
    except (signing.BadSignature, ValidationError) as error:
        raise ApiError(422, NO_CURSOR, "cursor", "invalid") from error
