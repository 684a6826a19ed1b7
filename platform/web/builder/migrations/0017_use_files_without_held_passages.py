"""Reads the files that waited for decisions, without the passages that still wait."""

from django.db import migrations


def read_again(apps, schema_editor):
    apps.get_model("builder", "KnowledgeFile").objects.filter(status="quarantined").update(status="received")


class Migration(migrations.Migration):
    dependencies = [("builder", "0016_attributes_of_files")]

    operations = [migrations.RunPython(read_again, migrations.RunPython.noop)]
