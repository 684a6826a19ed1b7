"""One thread at a time imports what is imported late.

transformers fills its modules when they are first used; with two threads, one saw a half-filled one and failed with
"cannot import name 'AutoTokenizer'" (seen 2026-11-26, as a model and the embedder were loaded at once).
"""

from threading import RLock
from typing import Final

IMPORTING: Final = RLock()
