"""The table of changes that a conversation made to a draft."""

from typing import Any

from django.db import models

from web.builder.models import Gpt


class DraftChange(models.Model):
    """What the call `call_id` of `run` changed in the draft of `gpt`: fields with their values before and after.

    `suggested`: what the creator should add, "files" or "actions". `undone`: when the creator undid it.
    """

    gpt = models.ForeignKey(Gpt, on_delete=models.CASCADE, related_name="draft_changes")
    run = models.ForeignKey("Run", on_delete=models.CASCADE, related_name="draft_changes")
    call_id = models.CharField(max_length=64)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    suggested = models.JSONField(default=list)
    created = models.DateTimeField(auto_now_add=True)
    undone = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["run", "call_id"], name="draft_changed_once_per_call")]

    def __str__(self) -> str:
        return f"{self.gpt}: {', '.join(self.after)}"

    @property
    def values(self) -> dict[str, Any]:
        """The fields as the draft has them unless they were changed since."""
        return self.before if self.undone else self.after
