import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def mark_failures(apps, schema_editor):
    apps.get_model("operate", "Backup").objects.exclude(error="").update(state="failed")


class Migration(migrations.Migration):

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("operate", "0004_backups"),
    ]

    operations = [
        migrations.AddField(
            model_name="backup",
            name="by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="backup",
            name="origin",
            field=models.CharField(
                choices=[("schedule", "The schedule"), ("command", "A command"), ("person", "An admin")],
                default="command",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="backup",
            name="state",
            field=models.CharField(
                choices=[
                    ("waiting", "Waiting for a worker"),
                    ("running", "Being written"),
                    ("checked", "Being verified"),
                    ("ready", "Ready"),
                    ("failed", "Failed"),
                ],
                default="ready",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="backup",
            name="verified",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.RunPython(mark_failures, migrations.RunPython.noop),
    ]
