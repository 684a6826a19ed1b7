import django.core.validators
from django.db import migrations, models

# The former default. The form sent it along with everything else, so that nobody can be told to have chosen it.
FORMER = 400


def make_automatic(apps, schema_editor):
    apps.get_model("builder", "Gpt").objects.filter(max_tokens=FORMER).update(max_tokens=None)
    _replace(apps, FORMER, None)


def restore_default(apps, schema_editor):
    apps.get_model("builder", "Gpt").objects.filter(max_tokens=None).update(max_tokens=FORMER)
    _replace(apps, None, FORMER)


def _replace(apps, old, new):
    """Replaces the limit in stored versions; one that has none leaves it to the release."""
    for version in apps.get_model("builder", "GptVersion").objects.only("data").iterator(chunk_size=100):
        model = version.data.get("model", {})
        if "max_tokens" in model and model["max_tokens"] == old:
            version.data = {**version.data, "model": {**model, "max_tokens": new}}
            version.save(update_fields=["data"])


class Migration(migrations.Migration):

    dependencies = [
        ("builder", "0036_unsupported_sentences"),
    ]

    operations = [
        migrations.AlterField(
            model_name="gpt",
            name="max_tokens",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Longest answer; empty: as long as the model allows.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(32768),
                ],
            ),
        ),
        migrations.RunPython(make_automatic, restore_default),
    ]
