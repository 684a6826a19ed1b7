"""The Celery tasks: ids in, nothing out, safe to deliver twice. The work itself is in loop.py and indexing.py."""

from typing import Any
from uuid import UUID

from celery import shared_task
from celery.signals import worker_ready, worker_shutdown

from web.builder.files import queue_indexing, take_stalled_files
from web.runs import log
from web.runs.services import forget_transient
from web.runs.wake import wake
from workers import heartbeat, indexing, loop, lost_segments
from workers.configuration import close, hands


@shared_task(bind=True, name="workers.tasks.advance")
def advance(self: Any, run_id: str) -> None:
    """Advance the run as far as this queue's workers may."""
    queue = self.request.delivery_info["routing_key"]
    loop.advance(UUID(run_id), queue, hands)


@shared_task(name="workers.tasks.index_file")
def index_file(file_id: str) -> None:
    """Parse, chunk and embed the file that is due first, usually this one."""
    indexing.index_next()


@shared_task(name="workers.tasks.wake_stalled_runs")
def wake_stalled_runs() -> None:
    """Send again what a dead worker or a lost message left undone."""
    for run_id in log.take_stalled():
        wake(run_id)
    for file in take_stalled_files():
        queue_indexing(file)
    indexing.retire_if_idle()


@shared_task(name="workers.tasks.forget")
def forget() -> None:
    """Delete what is kept only for a while."""
    forget_transient()


@worker_ready.connect
def announce(sender: Any, **_: Any) -> None:
    """A model worker loads its model at once and says so; a tools worker looks whether an upgrade cost segments."""
    queues = sender.app.amqp.queues.consume_from
    if "model" in queues:
        heartbeat.start()
    if "tools" in queues:
        lost_segments.read_lost_files_again(indexing.embedder().id)


@worker_shutdown.connect
def let_go(**_: Any) -> None:
    """End the engine's own threads, which would keep a process that is to be replaced from ending."""
    close()
