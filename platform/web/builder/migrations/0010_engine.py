"""A GPT may name one of the models that the operator offers."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("builder", "0009_takes_questions")]

    operations = [
        migrations.AddField(
            "gpt",
            "engine",
            models.CharField(blank=True, help_text="Name of its model; empty: the site's default.", max_length=40),
        ),
    ]
