"""People may send the creator of a GPT a question that it could not answer."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("builder", "0008_delegates")]

    operations = [
        migrations.AddField(
            "gpt",
            "takes_questions",
            models.BooleanField(default=False, help_text="People can send questions to its creator."),
        ),
    ]
