"""The Django app of the operator's pages."""

from django.apps import AppConfig


class OperateConfig(AppConfig):
    """The app of the operator's pages."""

    name = "web.operate"
