"""The tables of the store that creators' GPTs need: their categories, and what the search keeps of them."""

from typing import ClassVar

from django.db import models


class StoreCategory(models.Model):
    """A category that an operator set up. While there is none, those in `categories.DEFAULTS` apply."""

    key = models.SlugField(max_length=20, primary_key=True)
    title = models.CharField(max_length=40)
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering: ClassVar = ["position"]

    def __str__(self) -> str:
        return self.title


class SearchEntry(models.Model):
    """A published GPT as it was last read, with its category and its creator's name. `fulltext` has its words.

    `vector` is `(dim,)` float16, L2-normalised, of its texts, made by a worker in the way called `embedder`. Both are
    empty until then. `facets` are the keys that lists can be filtered by, as " key key ".
    `language` is the `chosen` one of the GPT, or else what its texts are written in, by the worker. `phrases` are
    what a capable model thinks people may look for who need it; None until one wrote them.
    """

    gpt = models.OneToOneField("builder.Gpt", on_delete=models.CASCADE, related_name="search_entry")
    version = models.ForeignKey("builder.GptVersion", on_delete=models.CASCADE, related_name="+")
    category = models.CharField(max_length=20)
    creator = models.CharField(max_length=60, blank=True)
    facets = models.CharField(max_length=300, default=" ")
    language = models.CharField(max_length=8, blank=True)
    chosen = models.CharField(max_length=8, blank=True)
    vector = models.BinaryField(default=bytes)
    embedder = models.CharField(max_length=120, blank=True)
    phrases = models.JSONField(null=True, default=None)
    changed = models.DateTimeField(auto_now=True)

    objects: ClassVar[models.Manager["SearchEntry"]]

    class Meta:
        indexes: ClassVar = [models.Index(fields=["changed"], name="search_entry_news")]

    def __str__(self) -> str:
        return f"search entry of {self.version}"
