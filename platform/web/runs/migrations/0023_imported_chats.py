import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


def count(help_text: str = "") -> models.PositiveIntegerField:
    return models.PositiveIntegerField(default=0, help_text=help_text)


class Migration(migrations.Migration):
    dependencies = [("runs", "0022_chats_of_widgets"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="ChatImport",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=255)),
                ("size", models.PositiveBigIntegerField(help_text="Bytes.")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("running", "Importing"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("n_new", count()),
                ("n_updated", count("Imported before, and changed there since.")),
                ("n_known", count("Imported before, and still the same.")),
                ("n_kept", count("Changed there, but also continued here: left as it is.")),
                ("n_unreadable", count()),
                ("n_left_out", count()),
                ("error", models.CharField(blank=True, max_length=300)),
                (
                    "claimed_until",
                    models.DateTimeField(blank=True, help_text="Until when a worker has claimed it.", null=True),
                ),
                (
                    "woken",
                    models.DateTimeField(
                        default=django.utils.timezone.now, help_text="When a worker was last asked for."
                    ),
                ),
                ("created", models.DateTimeField(auto_now_add=True)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="chat_imports",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"ordering": ["-created", "id"]},
        ),
        migrations.CreateModel(
            name="ImportedChat",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source", models.CharField(max_length=20)),
                ("source_id", models.CharField(max_length=100)),
                ("digest", models.CharField(max_length=64)),
                ("n_answers", models.PositiveIntegerField()),
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="runs.conversation"
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="chatimport", index=models.Index(fields=["status", "woken"], name="chat_import_open")
        ),
        migrations.AddConstraint(
            model_name="importedchat",
            constraint=models.UniqueConstraint(fields=("owner", "source", "source_id"), name="chat_imported_once"),
        ),
    ]
