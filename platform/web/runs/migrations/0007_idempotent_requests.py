"""API requests whose repetitions get the same run."""

from django.conf import settings
from django.db import migrations, models
from django.db.models import CASCADE, Q


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0006_read_attachments"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            "IdempotentRequest",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(blank=True, max_length=64)),
                ("body", models.CharField(max_length=64)),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("owner", models.ForeignKey(settings.AUTH_USER_MODEL, CASCADE, related_name="+")),
                ("run", models.ForeignKey("runs.run", CASCADE, related_name="+")),
            ],
            options={
                "indexes": [models.Index(fields=["owner", "key", "body"], name="request_repeated")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=["owner", "key"], condition=~Q(key=""), name="idempotency_key_once"
                    )
                ],
            },
        ),
    ]
