from django.apps import AppConfig


class RunsConfig(AppConfig):
    name = "web.runs"
    label = "runs"
