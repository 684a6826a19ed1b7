"""The languages that texts are told apart in."""

from typing import Final

# ISO 639-1 codes of the languages of real files; identifiers know ninety others (Latin, Bikol), which they choose for
# texts with hardly any words.
LANGUAGES: Final = tuple(
    "ar bg bn ca cs da de el en es et fa fi fr he hi hr hu id is it ja ko lt lv ms nl no pl pt ro ru sk sl sq sr sv "
    "sw ta th tr uk ur vi zh".split()
)
