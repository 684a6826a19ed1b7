from django.apps import AppConfig


class A2aConfig(AppConfig):
    name = "web.a2a"
    label = "a2a"
