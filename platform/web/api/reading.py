"""Reads request bodies: strict JSON, and the base of their shapes."""

from typing import Any, cast

from django.http import HttpRequest
from ninja.parser import Parser
from ninja.types import DictStrAny
from pydantic import BaseModel, ConfigDict
from pydantic_core import from_json


class StrictParser(Parser):
    """JSON according to RFC 8259; unlike `json.loads`, without NaN, lone surrogates and unlimited depth."""

    def parse_body(self, request: HttpRequest) -> DictStrAny:
        """The parsed body. Raises ValueError, which ninja answers with 400."""
        body: Any = from_json(request.body, allow_inf_nan=False)
        return cast(DictStrAny, body)


class RequestBody(BaseModel):
    """A JSON object in a request. A field that it doesn't have is an error, not a typing mistake that nobody sees.

    Not ninja's Schema, which reads attributes of any value: to it, `5` and `[null]` would be changes of nothing.
    """

    model_config = ConfigDict(extra="forbid")
