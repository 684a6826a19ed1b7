"""A watchdog against a held interpreter: a pattern or a library that lets no other thread run for minutes.

The process ends with the stacks of all its threads in its log, and its supervisor starts it again. What it was doing
counts as interrupted.
"""

import faulthandler
import sys
import threading
import time
from typing import Final

# No step of a healthy process keeps the other threads waiting for so long, not even while it loads a model.
SILENT_S: Final = 60.0


def start_pulse(silent_s: float = SILENT_S) -> None:
    """From now on, end this process when none of its Python threads could run for `silent_s` seconds."""
    threading.Thread(target=_beat_forever, args=(silent_s,), name="pulse", daemon=True).start()


def _beat_forever(silent_s: float) -> None:
    while True:
        # Its timer is a native thread, which needs no interpreter. Celery replaces sys.stderr by one without a file.
        faulthandler.dump_traceback_later(silent_s, exit=True, file=sys.__stderr__ or 2)
        time.sleep(silent_s / 6)
