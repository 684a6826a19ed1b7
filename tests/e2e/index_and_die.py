"""An indexing worker as a process: looks for lost segments, reads what is due, and prints how many files of each.

With an argument, it is killed when it has embedded half of its first file.
"""

import os
import signal
import sys

import django

django.setup()

from workers.indexing import files  # noqa: E402
from workers.indexing.lost_segments import reindex_lost_files  # noqa: E402
from workers.knowledge.pipeline import IndexingProgress  # noqa: E402

report = files.Claim.report


def dying(claim: files.Claim, progress: IndexingProgress) -> None:
    """Report, and die once there are vectors that nobody has written yet."""
    report(claim, progress)
    if progress.n_done:
        os.kill(os.getpid(), signal.SIGKILL)


if sys.argv[1:]:
    files.Claim.report = dying
n_queued = reindex_lost_files(files.embedder().id)
n_read = 0
while files.index_next():
    n_read += 1
print(n_queued, n_read)
