"""One thread at a time imports what is imported late, and loads an embedder.

transformers fills its modules when they are first used; with two threads, one saw a half-filled one and failed with
"cannot import name 'AutoTokenizer'" (seen 2026-11-26, as a model and the embedder were loaded at once).
While it makes a model it sets torch's type of numbers for the whole process: of two embedders that were loaded at
once, one had layers of two types and failed at each text (seen 2026-11-29).
"""

from threading import RLock
from typing import Final

IMPORTING: Final = RLock()
