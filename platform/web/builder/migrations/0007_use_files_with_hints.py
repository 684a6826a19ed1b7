"""Reads the files that waited only for passages that speak to a model, which are hints now."""

from django.db import migrations


def read_again(apps, schema_editor):
    KnowledgeFile = apps.get_model("builder", "KnowledgeFile")
    for file in KnowledgeFile.objects.filter(status="quarantined").iterator():
        waiting = [
            each
            for each in file.findings
            if each["severity"] == "quarantine" and each["kind"] != "speaks_to_model" and each["id"] not in file.decisions
        ]
        if not waiting:
            KnowledgeFile.objects.filter(id=file.id).update(status="received")


class Migration(migrations.Migration):
    dependencies = [("builder", "0006_colleagues")]

    operations = [migrations.RunPython(read_again, migrations.RunPython.noop)]
