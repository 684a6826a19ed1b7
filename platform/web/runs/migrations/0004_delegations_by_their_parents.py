"""The run that a delegation's conversation goes with is its parent run."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0003_delegations"), ("builder", "0008_delegates")]

    operations = [
        migrations.RenameField("conversation", "asked_in", "parent_run"),
        migrations.AlterField(
            "delegationrow",
            "child",
            models.ForeignKey(on_delete=models.CASCADE, related_name="parent_delegations", to="runs.run"),
        ),
    ]
