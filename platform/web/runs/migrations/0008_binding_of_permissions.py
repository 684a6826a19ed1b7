from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0007_idempotent_requests")]

    operations = [
        migrations.AddField(
            model_name="permission",
            name="binding",
            field=models.CharField(default="", max_length=64),
            preserve_default=False,
        ),
    ]
