"""Keeps the texts of GPTs that others can ask as they are now: from now on changes need a look."""

from django.db import migrations

TEXTS = ("name", "description", "starters")


def keep_texts(apps, schema_editor):
    rows = apps.get_model("builder", "DelegateRow").objects.exclude(delegate__published=None)
    for row in rows.select_related("delegate__published"):
        data = row.delegate.published.data
        row.seen = {name: data[name] for name in TEXTS if data.get(name)}
        row.save(update_fields=["seen"])


class Migration(migrations.Migration):
    dependencies = [("builder", "0013_reviewed_texts")]

    operations = [migrations.RunPython(keep_texts, migrations.RunPython.noop)]
