"""Tells what an upload or a pasted text is, and reads `gpt.json`, as JSON for the site."""

import json
from collections.abc import Callable

from gpts.portable.errors import NotImportable
from gpts.portable.package import read_package
from gpts.portable.recognising import recognise, recognise_pasted, to_json


def uploaded(data: bytes, name: str) -> bytes:
    """What a text file of this name is; the reason why it cannot be imported, under `refused`."""
    return _or_refused(lambda: to_json(recognise(data.decode(), name)))


def pasted(data: bytes) -> bytes:
    """What a pasted text is; the reason why it cannot be imported, under `refused`."""
    return _or_refused(lambda: to_json(recognise_pasted(data.decode())))


def package(data: bytes) -> bytes:
    """The GPT that a `gpt.json` describes; the reason why it cannot be imported, under `refused`."""
    return _or_refused(lambda: read_package(data).model_dump_json().encode())


def _or_refused(read: Callable[[], bytes]) -> bytes:
    try:
        return read()
    except NotImportable as error:
        return json.dumps({"refused": str(error)}).encode()
