"""Parses request bodies as strict JSON."""

from typing import Any, cast

from django.http import HttpRequest
from ninja.parser import Parser
from ninja.types import DictStrAny
from pydantic_core import from_json


class StrictParser(Parser):
    """JSON according to RFC 8259; unlike `json.loads`, without NaN, lone surrogates and unlimited depth."""

    def parse_body(self, request: HttpRequest) -> DictStrAny:
        """The parsed body. Raises ValueError, which ninja answers with 400."""
        body: Any = from_json(request.body, allow_inf_nan=False)
        return cast(DictStrAny, body)
