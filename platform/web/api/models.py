"""The table of the replies that programs got over `/v1`, see `history.py`."""

from django.db import models

from web.accounts.models import User
from web.builder.models import Gpt


class SentReply(models.Model):
    """A reply that a program of `user` got from `gpt`: a keyed digest of it, and its label.

    One that was sent more than once has the label of all of them together.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    gpt = models.ForeignKey(Gpt, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True, help_text="Of the text, the calls, the person and the GPT.")
    label = models.JSONField()
    sent = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [models.Index(fields=["user", "sent"], name="sent_reply_to_forget")]

    def __str__(self) -> str:
        return f"{self.gpt} to {self.user}, {self.sent}"
