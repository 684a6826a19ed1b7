"""The lists of `/api`: a page at a time, from a cursor.

A cursor holds the place of the last item of a page, so pages neither repeat nor skip items while others are added or
deleted. Ninja's own CursorPagination counts items of equal time from the first, which moves when one is deleted.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.core import signing
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from ninja import Schema
from ninja.pagination import PaginationBase
from pydantic import Field

from web.api.errors import ApiError

SALT: Final = "cursor"


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
        self._compare, self._order = ("gt", ("created", "pk")) if oldest_first else ("lt", ("-created", "-pk"))

    def paginate_queryset(
        self, queryset: QuerySet[Any], pagination: Input, request: HttpRequest, **params: Any
    ) -> dict[str, Any]:
        """The page. Raises ApiError for a cursor that no page gave."""
        if pagination.cursor:
            created, pk = _place(queryset.model, pagination.cursor)
            later = Q(**{f"created__{self._compare}": created})
            queryset = queryset.filter(later | Q(**{"created": created, f"pk__{self._compare}": pk}))
        rows = list(queryset.order_by(*self._order)[: pagination.limit + 1])
        page = rows[: pagination.limit]
        items = self._each(page) if self._each else page
        return {"items": items, "next": _cursor(page[-1]) if len(rows) > len(page) else None}


def _cursor(row: Any) -> str:
    return signing.dumps([row.created.isoformat(), str(row.pk)], salt=SALT)


def _place(model: type[Model], cursor: str) -> tuple[datetime, Any]:
    try:
        created, pk = signing.loads(cursor, salt=SALT)
        return datetime.fromisoformat(created), model._meta.pk.to_python(pk)
    except (signing.BadSignature, ValidationError) as error:
        raise ApiError(422, "cursor: This is not the `next` of a page here.", "cursor", "invalid") from error
