"""Waits for the files of a program's message, which are read before its run starts."""

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Final
from uuid import UUID

from web.admission import step_aside
from web.runs.connections import in_database
from web.runs.models import ConversationFile

# A hundred scanned pages take about this long. After it, the caller is asked to send again.
READING_S: Final = 300
POLL_S: Final = 0.3


async def until_read(files: Sequence[UUID]) -> None:
    """Wait until these attached files are read or refused, for READING_S at most. Others may compute meanwhile."""
    if not files:
        return
    step_aside()
    ends = monotonic() + READING_S
    waiting = ConversationFile.objects.filter(id__in=files).exclude(status__in=ConversationFile.SETTLED)
    while monotonic() < ends and await in_database(waiting.exists):
        await asyncio.sleep(POLL_S)
