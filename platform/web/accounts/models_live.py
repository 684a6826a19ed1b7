"""Settings of the site that operators change while it runs."""

from django.db import models


class LiveSetting(models.Model):
    """What an operator set instead of the environment, for `accounts/live_settings.py`."""

    name = models.CharField(max_length=40, primary_key=True)
    value = models.JSONField()
    changed = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.name} = {self.value}"
