"""Ends permanent permissions that are not bound to what the tool did when they were given: people are asked again."""

from django.db import migrations


def end_unbound(apps, schema_editor):
    apps.get_model("runs", "Permission").objects.filter(binding="").delete()


class Migration(migrations.Migration):
    dependencies = [("runs", "0008_binding_of_permissions")]

    operations = [migrations.RunPython(end_unbound, migrations.RunPython.noop)]
