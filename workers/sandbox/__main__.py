"""`python -m workers.sandbox`: the service that runs code. It needs no credentials and uses no network.

Whatever environment it is started with, it starts itself again with the names of its own settings alone, so that no
secret of the platform is in its memory.
"""

import logging
import os
import signal
import sys
import threading

from workers.sandbox.service import Service
from workers.sandbox.settings import NAMES, from_environment

AGAIN = "--again"


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    _forget_the_environment()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    service = Service(from_environment())
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    threading.Thread(target=service.serve_forever, name="serve", daemon=True).start()
    try:
        service.check()
        over.wait()
    finally:
        service.shutdown()
        service.close()


def _forget_the_environment() -> None:
    """Keep our settings, the path and the language; files with settings stay named by NAME_FILE."""
    wanted = {"PATH", "LANG", "LC_ALL", "TZ", "PYTHONUNBUFFERED", *NAMES, *(f"{name}_FILE" for name in NAMES)}
    kept = {name: value for name, value in os.environ.items() if name in wanted}
    # Python itself may add a variable at each start (LC_CTYPE where no language is set): once is enough.
    if len(kept) != len(os.environ) and AGAIN not in sys.argv:
        os.execve(sys.executable, [sys.executable, "-m", "workers.sandbox", AGAIN], kept)  # noqa: S606


if __name__ == "__main__":
    main()
