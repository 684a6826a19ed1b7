"""Each message follows an answer: until now the newest one to the message before."""

from itertools import pairwise
from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Count


def link(apps: Any, _editor: Any) -> None:
    Message, Run = apps.get_model("runs", "Message"), apps.get_model("runs", "Run")
    several = Message.objects.values("conversation").annotate(n=Count("id")).filter(n__gt=1)
    for conversation in several.values_list("conversation", flat=True).iterator():
        runs = Run.objects.filter(message__conversation=conversation).order_by("created", "id")
        newest = dict(runs.values_list("message", "id"))
        messages = list(Message.objects.filter(conversation=conversation).order_by("created", "id"))
        for before, message in pairwise(messages):
            message.after_id = newest.get(before.id)
        Message.objects.bulk_update(messages[1:], ["after"], batch_size=500)


class Migration(migrations.Migration):
    dependencies = [("runs", "0015_vector_stores_and_low_priority")]

    operations = [
        migrations.AddField(
            model_name="conversation",
            name="shown",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="runs.run",
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="after",
            field=models.ForeignKey(
                blank=True,
                help_text="Whose answer it follows.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="runs.run",
            ),
        ),
        migrations.RunPython(link, migrations.RunPython.noop),
    ]
