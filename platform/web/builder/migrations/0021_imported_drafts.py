from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("builder", "0020_search_of_the_store")]

    operations = [
        migrations.AddField(
            model_name="gpt",
            name="imported",
            field=models.JSONField(
                blank=True, default=dict, help_text="Where the draft came from, and what is left to do after that."
            ),
        ),
    ]
