from django.db import migrations


def measure_again(apps, schema_editor):
    """Whether a model tells what its files say was not measured before. What is known of it counts until then."""
    apps.get_model("operate", "MeasuredModel").objects.update(measured_at=None)


class Migration(migrations.Migration):
    dependencies = [("operate", "0006_measure_again")]

    operations = [migrations.RunPython(measure_again, migrations.RunPython.noop)]
