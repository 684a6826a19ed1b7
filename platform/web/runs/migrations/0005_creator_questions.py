"""Questions that a GPT did not answer, sent to its creator."""

import uuid

from django.conf import settings
from django.db import migrations, models
from django.db.models import CASCADE


class Migration(migrations.Migration):
    dependencies = [
        ("builder", "0009_takes_questions"),
        ("runs", "0004_delegations_by_their_parents"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            "CreatorQuestion",
            [
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("text", models.TextField()),
                ("answer", models.TextField(blank=True)),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("closed", models.DateTimeField(blank=True, null=True)),
                ("seen", models.BooleanField(default=False)),
                ("gpt", models.ForeignKey("builder.gpt", CASCADE, related_name="creator_questions")),
                ("message", models.OneToOneField("runs.message", CASCADE, related_name="creator_question")),
                (
                    "owner",
                    models.ForeignKey(settings.AUTH_USER_MODEL, CASCADE, related_name="creator_questions"),
                ),
            ],
            options={
                "ordering": ["created", "id"],
                "indexes": [
                    models.Index(fields=["gpt", "closed"], name="creator_question_open"),
                    models.Index(fields=["owner", "gpt", "created"], name="creator_question_limit"),
                ],
            },
        ),
    ]
