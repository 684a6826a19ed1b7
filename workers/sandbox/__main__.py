"""`python -m workers.sandbox`: the service that runs code. It needs no credentials and uses no network.

It re-executes itself with its own settings as its only environment, so that no other secret is in its memory.
"""

import logging
import os
import signal
import sys
import threading

from workers.sandbox.service import Service
from workers.sandbox.settings import NAMES, from_environment

_CLEANED = "--cleaned"


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    _clean_environment()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    service = Service(from_environment())
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    threading.Thread(target=service.serve_forever, name="serve", daemon=True).start()
    try:
        service.check()
        stopped.wait()
    finally:
        service.shutdown()
        service.close()


def _clean_environment() -> None:
    """Re-execute with our settings (NAME or NAME_FILE), the path and the language only."""
    allowed = {"PATH", "LANG", "LC_ALL", "TZ", "PYTHONUNBUFFERED", *NAMES, *(f"{name}_FILE" for name in NAMES)}
    kept = {name: value for name, value in os.environ.items() if name in allowed}
    # Python may add a variable at each start (LC_CTYPE where no language is set), which must not loop.
    if len(kept) != len(os.environ) and _CLEANED not in sys.argv:
        os.execve(sys.executable, [sys.executable, "-m", "workers.sandbox", _CLEANED], kept)  # noqa: S606


if __name__ == "__main__":
    main()
