from django.apps import AppConfig


class BuilderConfig(AppConfig):
    name = "web.builder"
    label = "builder"
