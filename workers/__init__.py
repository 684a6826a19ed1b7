"""The hands of Guildhall: slow or heavy work, in Celery workers."""
