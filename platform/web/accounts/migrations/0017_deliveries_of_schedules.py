"""Take over the table of what schedules send, with its rows: it becomes the outbox of the whole site."""

import uuid

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0016_directories"), ("schedules", "0003_deliveries_are_of_accounts")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Delivery",
                    fields=[
                        ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                        ("event", models.CharField(max_length=8)),
                        ("kind", models.CharField(choices=[("mail", "Mail"), ("webhook", "Webhook")], max_length=7)),
                        ("next_try", models.DateTimeField(blank=True, default=django.utils.timezone.now, null=True)),
                        ("n_tries", models.PositiveSmallIntegerField(default=0)),
                        ("error", models.TextField(blank=True)),
                        ("sent", models.DateTimeField(blank=True, null=True)),
                        (
                            "scheduled",
                            models.ForeignKey(
                                on_delete=models.CASCADE, related_name="deliveries", to="schedules.scheduledrun"
                            ),
                        ),
                    ],
                    options={
                        "db_table": "schedules_delivery",
                        "indexes": [
                            models.Index(
                                condition=models.Q(("next_try", None), _negated=True),
                                fields=["next_try"],
                                name="delivery_due",
                            )
                        ],
                        "constraints": [
                            models.UniqueConstraint(fields=("scheduled", "event", "kind"), name="delivery_once")
                        ],
                    },
                ),
            ]
        ),
        migrations.AlterModelTable("delivery", None),
    ]
