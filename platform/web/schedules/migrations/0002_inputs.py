from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("schedules", "0001_schedules")]

    operations = [
        migrations.AddField(
            model_name="schedule",
            name="inputs",
            field=models.JSONField(blank=True, default=dict, help_text="Values of the GPT’s inputs, by name."),
        ),
    ]
