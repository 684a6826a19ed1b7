"""Downloads and A2A become part of versions: those there are get what their GPT lets people do now."""

from django.db import migrations
from django.db.models import Q

SWITCHES = ("files_downloadable", "a2a")


def put_in(apps, schema_editor):
    rows = apps.get_model("builder", "GptVersion").objects.select_related("gpt")
    for row in rows.filter(Q(gpt__files_downloadable=True) | Q(gpt__a2a=True)).iterator():
        row.data |= {name: getattr(row.gpt, name) for name in SWITCHES}
        row.save(update_fields=["data"])


class Migration(migrations.Migration):
    dependencies = [("builder", "0014_texts_of_delegates")]

    operations = [migrations.RunPython(put_in, migrations.RunPython.noop)]
