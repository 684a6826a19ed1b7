import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('operate', '0001_measured_model'),
    ]

    operations = [
        migrations.CreateModel(
            name='ChosenModel',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ('base_model', models.CharField(max_length=1000)),
                ('chosen_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('trouble', models.CharField(blank=True, max_length=500)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='one_chosen_model')],
            },
        ),
    ]
