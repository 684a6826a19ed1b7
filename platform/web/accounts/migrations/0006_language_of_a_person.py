"""The language in which a person reads the site."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_hints_seen")]
    operations = [
        migrations.AddField(
            model_name="user",
            name="language",
            field=models.CharField(blank=True, help_text="Of pages; empty: the browser’s.", max_length=10),
        )
    ]
