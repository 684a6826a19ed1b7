"""`python -m tests.bridge --folder FOLDER`: a model server whose answers you write.

Request 7 is `0007.request.txt` in the folder, with only what is new, and its answer `0007.answer.txt`, or
`0007.answer.json` with `content`, `reasoning` and `tool_calls`. Run a site with `ENGINE=remote
ENGINE_URL=http://127.0.0.1:8765/v1 ENGINE_MODEL=bridge REPLY_DEADLINE_S=3600`. Before it starts, say what you can do
with `manage.py checkmodel --set calls_tools=yes`, and so on for every ability, or answer the questions of the check.
`--replay` gives the answers of a folder again and names requests that are new. Conversations in `recorded` are played
again by the check; `recorded.py` says how to add one.
"""

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
