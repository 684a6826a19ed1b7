"""The Celery application: three queues (model, tools, index), ids only. Tasks are declared in `workers/tasks.py`.

Messages are only wake-ups, and the beat sends again what is due, so they are acknowledged early and never restored.
Late acknowledgement would gain nothing (an unacknowledged message comes back after the visibility timeout, the beat
within seconds) and would cost the worker: if the broker goes away while a message is unacknowledged, kombu 5.7 tries
to restore it through the lost connection, and Celery ends with "Unrecoverable error" (seen 2026-11-24).
"""

import os

from celery import Celery
from kombu.transport.redis import Channel

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")

Channel.do_restore = False

app = Celery("guildhall", include=["workers.tasks"])
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_acks_late=False,
    worker_prefetch_multiplier=1,
    # Only RpcTasks keep a result, for as long as their callers may wait.
    task_ignore_result=True,
    result_expires=30,
    # One connection for all waiting threads: each web request has its own thread.
    result_backend_thread_safe=True,
    result_backend_transport_options={"retry_policy": {"max_retries": 1, "interval_start": 0, "interval_step": 0}},
    redis_socket_connect_timeout=2,
    task_default_queue="index",
    task_serializer="json",
    accept_content=["json"],
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    # If the broker is down, sending fails immediately instead of blocking the request; workers keep trying.
    broker_transport_options={"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0},
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_hijack_root_logger=False,
    beat_schedule={
        "wake-stalled-runs": {"task": "workers.tasks.wake_stalled_runs", "schedule": 5.0},
        "work-batches": {
            "task": "workers.tasks.work_batches",
            "schedule": 5.0,
            "args": [""],
            "options": {"queue": "tools"},
        },
        "run-schedules": {"task": "workers.tasks.run_schedules", "schedule": 10.0},
        "deliver-results": {
            "task": "workers.tasks.deliver_results",
            "schedule": 10.0,
            "options": {"queue": "tools"},
        },
        "watch": {"task": "workers.tasks.watch", "schedule": 60.0},
        "refresh-store": {"task": "workers.tasks.refresh_store", "schedule": 30.0},
        "refresh-standings": {"task": "workers.tasks.refresh_standings", "schedule": 120.0},
        "check-sources": {
            "task": "workers.tasks.check_sources",
            "schedule": 30.0,
            "args": [""],
            "options": {"queue": "tools"},
        },
        "back-up": {"task": "workers.tasks.back_up", "schedule": 600.0},
        "forget": {"task": "workers.tasks.forget", "schedule": 3600.0},
    },
)
