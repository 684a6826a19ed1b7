"""Slow or heavy work, in Celery workers."""
