"""Reading what strangers made up: no process of the site parses it, a worker does, in a child process with limits.

A picture, a zip's listing or a JSON text of a few megabytes can take a minute, or gigabytes, of whoever parses it.
"""

import json
from collections.abc import Iterable
from typing import Final

from web import rpc
from web.passing_files import passing_file

# Longer than any reader of workers/rpc/confined.py takes.
TIMEOUT_S: Final = 30.0
# Readers of one person at once, each of which takes a processor.
MOST: Final = 2


class Unreadable(Exception):
    """Nothing could be made of it: it is damaged, takes too long, or has too much in it."""


def read(person: int, reader: str, chunks: Iterable[bytes], *args: str) -> bytes:
    """What a reader of the workers makes of the bytes. Raises Unreadable and NoResult."""
    with passing_file() as path:
        with path.open("wb") as file:
            file.writelines(chunks)
        task, sent = "workers.tasks.read_confined", (reader, path.name, json.dumps(args))
        if rpc.call_for(person, task, *sent, queue="tools", timeout_s=TIMEOUT_S, most=MOST):
            raise Unreadable
        return path.read_bytes()
