"""The audit log, with the triggers that keep its rows."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from web.accounts.audit_triggers import CREATE, DROP


def create(apps, schema_editor):
    for statement in CREATE[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def drop(apps, schema_editor):
    for statement in DROP[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_language_of_a_person")]

    operations = [
        migrations.CreateModel(
            name="AuditRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(auto_now_add=True)),
                ("act", models.CharField(max_length=30)),
                ("about_kind", models.CharField(blank=True, max_length=40)),
                ("about_id", models.CharField(blank=True, max_length=200)),
                ("facts", models.JSONField(default=dict)),
                (
                    "by",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "entry of the audit log",
                "verbose_name_plural": "audit log",
                "db_table": "accounts_audit",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["at"], name="audit_at"),
                    models.Index(fields=["act", "-id"], name="audit_act"),
                    models.Index(fields=["by", "-id"], name="audit_by"),
                    models.Index(fields=["about_kind", "about_id", "-id"], name="audit_about"),
                ],
            },
        ),
        migrations.RunPython(create, drop),
    ]
