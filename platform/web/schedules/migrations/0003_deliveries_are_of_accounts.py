"""The table of deliveries is the site's outbox now (accounts/0017), which takes it over with its rows."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("schedules", "0002_inputs")]

    operations = [
        migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel("Delivery")]),
    ]
