import django.core.validators
import web.builder.models
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("builder", "0028_gpt_shares")]

    operations = [
        migrations.AddField(
            model_name="gpt",
            name="language",
            field=models.CharField(
                blank=True,
                default="",
                help_text="ISO 639-1; empty: as its texts.",
                max_length=8,
                validators=[web.builder.models.validate_language],
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="gpt",
            name="top_p",
            field=models.FloatField(
                default=0.95,
                validators=[
                    django.core.validators.MinValueValidator(0.01),
                    django.core.validators.MaxValueValidator(1),
                ],
            ),
        ),
        migrations.AddField(
            model_name="searchentry",
            name="chosen",
            field=models.CharField(blank=True, default="", max_length=8),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="searchentry",
            name="language",
            field=models.CharField(blank=True, default="", max_length=8),
            preserve_default=False,
        ),
    ]
