"""Parses request bodies: strict JSON, and text without NUL characters, which databases cannot store."""

from typing import Annotated, Any, cast

from django.http import HttpRequest
from ninja.parser import Parser
from ninja.types import DictStrAny
from pydantic import AfterValidator
from pydantic_core import from_json


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("text must not contain NUL characters")
    return text


Text = Annotated[str, AfterValidator(_without_nul)]


class StrictParser(Parser):
    """JSON according to RFC 8259; unlike `json.loads`, without NaN, lone surrogates and unlimited depth."""

    def parse_body(self, request: HttpRequest) -> DictStrAny:
        """The parsed body. Raises ValueError, which ninja answers with 400."""
        body: Any = from_json(request.body, allow_inf_nan=False)
        return cast(DictStrAny, body)
