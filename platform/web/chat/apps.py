from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "web.chat"
    label = "chat"
