"""The Celery application: two queues, ids only. Tasks are declared in `workers/tasks.py`, named here as a string."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")

app = Celery("guildhall", include=["workers.tasks"])
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
    task_default_queue="tools",
    task_serializer="json",
    accept_content=["json"],
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    # A lost message is re-sent by wake_stalled_runs, so the broker need not keep unacknowledged ones for long.
    broker_transport_options={"visibility_timeout": 3600, "socket_connect_timeout": 2},
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_hijack_root_logger=False,
    beat_schedule={
        "wake-stalled-runs": {"task": "workers.tasks.wake_stalled_runs", "schedule": 5.0},
        "forget": {"task": "workers.tasks.forget", "schedule": 3600.0},
    },
)
