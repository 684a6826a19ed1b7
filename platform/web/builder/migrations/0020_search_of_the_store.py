import django.db.models.deletion
from django.db import migrations, models

import web.builder.categories
from web.builder.fulltext import CREATE, DROP


def create(apps, schema_editor):
    for statement in CREATE[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def drop(apps, schema_editor):
    for statement in DROP[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("builder", "0019_widgets")]

    operations = [
        migrations.CreateModel(
            name="StoreCategory",
            fields=[
                ("key", models.SlugField(max_length=20, primary_key=True, serialize=False)),
                ("title", models.CharField(max_length=40)),
                ("position", models.PositiveSmallIntegerField()),
            ],
            options={"ordering": ["position"]},
        ),
        migrations.AlterField(
            model_name="gpt",
            name="category",
            field=models.CharField(
                default="other", max_length=20, validators=[web.builder.categories.validate_category]
            ),
        ),
        migrations.CreateModel(
            name="SearchEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("category", models.CharField(max_length=20)),
                ("creator", models.CharField(blank=True, max_length=60)),
                ("facets", models.CharField(default=" ", max_length=300)),
                ("vector", models.BinaryField(default=bytes)),
                ("embedder", models.CharField(blank=True, max_length=120)),
                ("changed", models.DateTimeField(auto_now=True)),
                (
                    "gpt",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="search_entry", to="builder.gpt"
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="builder.gptversion"
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["changed"], name="search_entry_news")]},
        ),
        migrations.AddIndex(
            model_name="gpt",
            index=models.Index(condition=models.Q(("featured", True)), fields=["featured"], name="gpt_featured"),
        ),
        migrations.RunPython(create, drop),
    ]
