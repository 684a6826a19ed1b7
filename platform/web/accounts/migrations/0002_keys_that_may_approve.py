"""The scope of API keys that may approve calls. No existing key has it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.AddField(
            "apikey",
            "may_approve",
            models.BooleanField(
                default=False, help_text="Whether programs with it may approve calls for their owner."
            ),
        )
    ]
