from django.db import migrations


def measure_again(apps, schema_editor):
    """Whether a model keeps to its sources was not measured before. What is known of it counts until then."""
    apps.get_model("operate", "MeasuredModel").objects.update(measured_at=None)


class Migration(migrations.Migration):

    dependencies = [("operate", "0005_backups_in_the_console")]

    operations = [migrations.RunPython(measure_again, migrations.RunPython.noop)]
