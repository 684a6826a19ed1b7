"""Waiting runs say whose workers are to advance them, and people take turns."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


def queue_unfinished(apps, schema_editor):
    """What a worker had or was to take waits for a model worker, who hands it over if need be."""
    runs = apps.get_model("runs", "Run").objects.exclude(lease_until=None)
    runs.filter(status__in=("queued", "in_progress")).update(queue="model")


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0009_end_unbound_permissions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="QueueTurn",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("queue", models.CharField(max_length=8)),
                ("served", models.DateTimeField()),
                ("seconds", models.FloatField(default=0, help_text="How long that work takes, averaged.")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=["queue", "user"], name="turn_once")],
            },
        ),
        migrations.RemoveIndex("run", "run_to_wake"),
        migrations.AddField(
            "run",
            "queue",
            models.CharField(
                blank=True,
                help_text="Whose workers advance it: model or tools. Empty: it waits, or is over.",
                max_length=8,
            ),
        ),
        migrations.AddField(
            "run",
            "queued",
            models.DateTimeField(
                default=django.utils.timezone.now, help_text="Its place among the person’s own in that queue."
            ),
        ),
        migrations.RunPython(queue_unfinished, migrations.RunPython.noop),
        migrations.AddIndex(
            "run",
            models.Index(
                condition=models.Q(("queue", ""), _negated=True),
                fields=["queue", "owner", "queued"],
                name="run_next",
            ),
        ),
    ]
