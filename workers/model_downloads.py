"""Downloads base models in processes of their own, which load no model (`manage.py downloadmodel`).

Each does what its row of ModelDownload asks for. It ends at once when the row is taken from it, wherever it is: what
is on disk stays, and the next process goes on from there.
"""

import logging
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.db import connection

from web.operate.downloads import Claim, Status, claim_downloads
from web.operate.models import ModelDownload, ModelSurvey
from web.operate.services import choose_model, chosen_model
from workers.models.catalogue import find_source
from workers.models.errors import ModelError
from workers.models.machine import MachineSize, misfit_of
from workers.models.progress import Progress
from workers.models.stored import Manifest

logger = logging.getLogger(__name__)

# Between two reports; also how long it takes to notice that a download was stopped.
REPORT_S: Final = 1.0
# Bytes that the client library holds before it writes them; 10 MB are half a minute on a slow line.
CHUNK: Final = 1 << 20


def start_downloads() -> None:
    """Start a process for each download that is due."""
    for row in claim_downloads():
        command = [sys.executable, "-m", "django", "downloadmodel", str(row.id), row.claim]
        process = subprocess.Popen(command)  # noqa: S603
        threading.Thread(target=process.wait, daemon=True).start()


def run(claim: Claim, lost: Callable[[], object]) -> None:
    """Do what the claimed row asks for, and write how it ended. Calls `lost` in a thread when the claim is lost."""
    row, over = claim.row(), threading.Event()
    latest = deque([Progress("", 0, 0)], maxlen=1)
    if row is None:
        return
    reporting = threading.Thread(target=_report, args=(claim, latest, over, lost), daemon=True)
    reporting.start()
    try:
        _fetch(row, claim, latest.append)
    except ModelError as error:
        claim.fail(str(error))
    except Exception:
        logger.exception("%s was not downloaded", row.name)
        claim.fail("Something went wrong. The log of the model worker has the details.")
    finally:
        over.set()
        reporting.join()


def _report(claim: Claim, latest: deque[Progress], over: threading.Event, lost: Callable[[], object]) -> None:
    try:
        while not over.wait(REPORT_S):
            # The speed of the first, small files says nothing.
            speed = latest[0].speed if latest[0].done > CHUNK else 0.0
            fields = {"done": latest[0].done, "speed": speed} if latest[0].total else {}
            if not claim.save(**fields) and not over.is_set():
                lost()
                return
    finally:
        connection.close()


def _fetch(row: ModelDownload, claim: Claim, report: Callable[[Progress], object]) -> None:
    """Look the model up, and download it if its licence was accepted. Raises ModelError."""
    # Only in this process, as importing the client library takes a second.
    from huggingface_hub import constants

    from workers.models.hub import download
    from workers.models.listing import Hub, look_up

    constants.DOWNLOAD_CHUNK_SIZE = CHUNK
    hub, home = Hub(settings.HF_ENDPOINT, settings.HF_TOKEN), settings.GUILDHALL_HOME
    found = look_up(find_source(row.name), hub, home)
    claim.save(total=found.total, licence=found.licence[:300], misfit=_misfit(found))
    if not _is_accepted(row.accepted, found.licence[:300]):
        claim.end(Status.OFFERED)
        return
    claim.save(status=Status.DOWNLOADING)
    path = download(found, hub, home, accept=True, report=report)
    if claim.end(Status.DONE, done=found.total, path=str(path)) and row.automatic and chosen_model() is None:
        choose_model(str(path))


def _is_accepted(accepted: str, stated: str) -> bool:
    """Whether the licence that somebody accepted is the one that the hub states."""
    return accepted != "" and accepted.casefold() == stated.casefold()


def _misfit(found: Manifest) -> str:
    """Why the model does not fit the model worker's machine, by its last survey; empty if it does."""
    survey = ModelSurvey.objects.first()
    return misfit_of(found, MachineSize(**survey.found["machine"])) if survey else ""
