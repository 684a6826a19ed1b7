from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("builder", "0017_use_files_without_held_passages")]

    operations = [
        migrations.AddField(
            model_name="knowledgefile",
            name="corrections",
            field=models.JSONField(blank=True, default=dict, help_text="Of passages, by the key of their text."),
        ),
    ]
