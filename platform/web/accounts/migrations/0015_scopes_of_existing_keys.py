"""Keys keep what they could do: everything, and approve where their owner said so."""

from django.db import migrations

ALL_BUT_APPROVE = ["chat", "read", "manage"]


def to_scopes(apps, schema_editor):
    keys = apps.get_model("accounts", "ApiKey").objects
    keys.filter(may_approve=False).update(scopes=ALL_BUT_APPROVE)
    keys.filter(may_approve=True).update(scopes=[*ALL_BUT_APPROVE, "approve"])


def to_flag(apps, schema_editor):
    for key in apps.get_model("accounts", "ApiKey").objects.all():
        key.may_approve = "approve" in key.scopes
        key.save(update_fields=["may_approve"])


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0014_key_scopes"),
    ]

    operations = [
        migrations.RunPython(to_scopes, to_flag),
        migrations.RemoveField(model_name="apikey", name="may_approve"),
    ]
