"""Builds a segment again and again, each time in a process that is killed at its next step; prints what was left.

The steps are those that the interpreter announces to an audit hook: starting the parser, opening a file under the
home, making, renaming and removing folders there; besides, each call of the embedder.
"""

import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.workers.knowledge.conftest import WordEmbedder
from workers.knowledge import segments
from workers.knowledge.pipeline import build_segment

STEPS = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "subprocess.Popen", "encode"}


class Announcing(WordEmbedder):
    def encode(self, texts: Any) -> Any:
        sys.audit("encode")
        return super().encode(texts)


def die_at(n: int, home: Path, told: int) -> None:
    """Kill this process at its `n`th step, after telling which that was."""
    seen = 0

    def hook(event: str, args: tuple[Any, ...]) -> None:
        nonlocal seen
        inside = event in {"subprocess.Popen", "encode"} or str(home) in str(args[0] if args else "")
        if event in STEPS and inside:
            seen += 1
            if seen == n:
                os.write(told, f"{event} {args[0] if args else ''}".replace(str(home), "").encode())
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def build_until(n: int, home: Path, source: Path) -> tuple[str, bool]:
    """Build in a process that dies at step `n`; which step that was, and whether it died."""
    reading, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        die_at(n, home, told)
        build_segment(home, source, Announcing())
        os._exit(0)
    os.close(told)
    _, status = os.waitpid(pid, 0)
    with os.fdopen(reading) as pipe:
        return pipe.read(), os.WIFSIGNALED(status)


def visible(home: Path) -> list[str]:
    folder = home / "segments"
    return [place.name for place in folder.iterdir() if not place.name.startswith(".")] if folder.is_dir() else []


def main() -> None:
    n = 0
    died = True
    while died:
        n += 1
        with tempfile.TemporaryDirectory() as folder:
            home, source = Path(folder) / "home", Path(folder) / "manual.md"
            source.write_text("# Pump\n\nThe filter part number is ZP-771.\n")
            step, died = build_until(n, home, source)
            whole = [segments.reusable(home, name) is not None for name in visible(home)]
            info = build_segment(home, source, WordEmbedder())
            complete = segments.reusable(home, info.address) is not None and visible(home) == [info.address]
            print(json.dumps({"step": step, "whole": all(whole), "n_visible": len(whole), "complete": complete}))


if __name__ == "__main__":
    main()
