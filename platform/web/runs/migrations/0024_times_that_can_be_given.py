import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0023_imported_chats")]

    operations = [
        migrations.AlterField(
            model_name=name,
            name="created",
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False),
        )
        for name in ("message", "run")
    ]
