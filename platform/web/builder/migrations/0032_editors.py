"""Editors: who changed a draft, who waits for its publication, and who entered which key for what."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

PERSON = {"on_delete": django.db.models.deletion.SET_NULL, "null": True, "blank": True, "related_name": "+"}


class Migration(migrations.Migration):
    """Add the columns."""

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("builder", "0031_listing_reviews"),
    ]
    operations = [
        migrations.AddField(
            "gpt", "awaited_by", models.ForeignKey(settings.AUTH_USER_MODEL, help_text="Who waits for that.", **PERSON)
        ),
        migrations.AddField(
            "gpt", "changed_by", models.ForeignKey(settings.AUTH_USER_MODEL, help_text="Who made the last one.", **PERSON)
        ),
        *(
            migrations.AddField(name, "secret_by", models.ForeignKey(settings.AUTH_USER_MODEL, **PERSON))
            for name in ("action", "mcpserverrow", "remoteagentrow", "source")
        ),
        *(
            migrations.AddField(name, "secret_for", models.JSONField(null=True, blank=True))
            for name in ("action", "mcpserverrow", "remoteagentrow")
        ),
        migrations.AlterField(
            "gptshare",
            "right",
            models.CharField(
                choices=[
                    ("chat", "Can chat"),
                    ("view", "Can chat and see its settings"),
                    ("edit", "Can chat, and edit it"),
                ],
                default="chat",
                max_length=4,
            ),
        ),
    ]
