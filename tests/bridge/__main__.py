"""`python -m tests.bridge --folder FOLDER`: be the model of a site yourself. See `server.py`."""

import signal
from argparse import ArgumentParser
from pathlib import Path

from tests.bridge.server import Bridge, say, serving


def main() -> None:
    """Serve until Ctrl-C."""
    parser = ArgumentParser(prog="python -m tests.bridge", description="A model server whose answers you write.")
    parser.add_argument("--folder", type=Path, required=True, help="where requests and answers are files")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--model", default="bridge", help="the model's name")
    parser.add_argument("--context", type=int, default=32_768, help="the model's context in tokens")
    parser.add_argument("--replay", type=Path, help="a folder whose answers are given again")
    parser.add_argument("--timeout", type=float, default=3600.0, help="seconds to wait for an answer")
    given = parser.parse_args()
    bridge = Bridge(given.folder, given.model, given.context, given.replay, given.timeout)
    with serving(bridge, given.port) as url:
        say(f"ENGINE=remote ENGINE_URL={url} ENGINE_MODEL={given.model}: requests are in {given.folder}")
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()
