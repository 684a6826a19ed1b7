from django.db import migrations


def measure_again(apps, schema_editor):
    """How long files a model reads was not measured before. What is known of it counts until then."""
    models = apps.get_model("operate", "MeasuredModel").objects
    models.filter(measured__writes_from_sources=True).update(measured_at=None)


class Migration(migrations.Migration):
    dependencies = [("operate", "0007_measure_verifying")]

    operations = [migrations.RunPython(measure_again, migrations.RunPython.noop)]
