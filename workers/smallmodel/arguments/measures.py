"""Reads conversions of units off questions ("convert 5 miles to km") and writes the Python that does them."""

import re
from fractions import Fraction
from typing import Final

from workers.smallmodel.arguments.numbers_in_text import number

# Unit -> (kind, size in the kind's base unit). Sizes are exact by definition (SI brochure; NIST SP 811).
_UNITS: Final[dict[str, tuple[str, str]]] = {
    "mm": ("length", "0.001"),
    "cm": ("length", "0.01"),
    "m": ("length", "1"),
    "km": ("length", "1000"),
    "in": ("length", "0.0254"),
    "ft": ("length", "0.3048"),
    "yd": ("length", "0.9144"),
    "mi": ("length", "1609.344"),
    "nmi": ("length", "1852"),
    "mg": ("mass", "0.000001"),
    "g": ("mass", "0.001"),
    "kg": ("mass", "1"),
    "t": ("mass", "1000"),
    "oz": ("mass", "0.028349523125"),
    "lb": ("mass", "0.45359237"),
    "st": ("mass", "6.35029318"),
    "ml": ("volume", "0.001"),
    "cl": ("volume", "0.01"),
    "l": ("volume", "1"),
    "gal": ("volume", "3.785411784"),
    "qt": ("volume", "0.946352946"),
    "pt": ("volume", "0.473176473"),
    "cup": ("volume", "0.2365882365"),
    "floz": ("volume", "0.0295735295625"),
    "s": ("time", "1"),
    "min": ("time", "60"),
    "h": ("time", "3600"),
    "d": ("time", "86400"),
    "wk": ("time", "604800"),
    "km/h": ("speed", "1000/3600"),
    "mph": ("speed", "1609.344/3600"),
    "m/s": ("speed", "1"),
    "kn": ("speed", "1852/3600"),
    "m2": ("area", "1"),
    "km2": ("area", "1000000"),
    "ha": ("area", "10000"),
    "acre": ("area", "4046.8564224"),
    "ft2": ("area", "0.09290304"),
    "C": ("temperature", ""),
    "F": ("temperature", ""),
    "K": ("temperature", ""),
    "b": ("data", "1"),
    "kb": ("data", "1000"),
    "mb": ("data", "1000000"),
    "gb": ("data", "1000000000"),
    "tb": ("data", "1000000000000"),
    "kib": ("data", "1024"),
    "mib": ("data", "1048576"),
    "gib": ("data", "1073741824"),
}
_NAMES: Final = {
    "mm": "millimeter millimetre",
    "cm": "centimeter centimetre zentimeter",
    "m": "meter metre",
    "km": "kilometer kilometre kms",
    "in": "inch inches zoll",
    "ft": "foot feet fuß",
    "yd": "yard",
    "mi": "mile meile meilen",
    "nmi": "nautical_mile seemeile seemeilen",
    "mg": "milligram milligramm",
    "g": "gram gramm gramme",
    "kg": "kilogram kilo kilogramm",
    "t": "tonne tonnen metric_ton",
    "oz": "ounce unze unzen",
    "lb": "pound lbs pfund",
    "st": "stone",
    "ml": "milliliter millilitre",
    "cl": "centiliter centilitre",
    "l": "liter litre",
    "gal": "gallon us_gallon gallone gallonen",
    "qt": "quart",
    "pt": "pint",
    "cup": "tasse",
    "floz": "fluid_ounce fl_oz",
    "s": "second sec sekunde sekunden",
    "min": "minute minuten",
    "h": "hour hr stunde stunden",
    "d": "day tag tage",
    "wk": "week woche wochen",
    "km/h": "kph kmh kilometers_per_hour kilometres_per_hour",
    "mph": "miles_per_hour",
    "m/s": "meters_per_second metres_per_second",
    "kn": "knot",
    "m2": "m² square_meter square_metre sqm",
    "km2": "km² square_kilometer square_kilometre",
    "ha": "hectare hektar",
    "acre": "",
    "ft2": "square_foot square_feet sqft ft²",
    "C": "c celsius °c degrees_celsius degree_celsius",
    "F": "f fahrenheit °f degrees_fahrenheit degree_fahrenheit",
    "K": "k kelvin",
    "b": "byte",
    "kb": "kilobyte",
    "mb": "megabyte",
    "gb": "gigabyte",
    "tb": "terabyte",
    "kib": "kibibyte",
    "mib": "mebibyte",
    "gib": "gibibyte",
}
_BY_NAME: Final = {
    form: unit
    for unit, names in _NAMES.items()
    for name in [unit.lower(), *names.replace("_", " ").split(" ")]
    for form in (name, f"{name}s")
}
_AS_WORDS: Final = {name.replace("_", " "): unit for unit, names in _NAMES.items() for name in names.split()}
_TO: Final = r"(?:in|to|into|as|nach|zu)"
_FORMS: Final = (
    re.compile(
        rf"(?:convert |umrechnen |rechne )?(-?\d[\d.,]*)\s*([^\d\s][^\d]*?[²2]?)\s+{_TO}\s+(?:the )?(\D+?[²2]?)"
        r"(?: um)?\s*[?.!]*",
        re.I,
    ),
    re.compile(
        r"(?:how many |wie viele |wieviele )?(\D+?) (?:are |is |sind )?(?:there )?in (-?\d[\d.,]*|an?|one)\s*(\D+?)"
        r"\s*[?.!]*",
        re.I,
    ),
)


def conversion(text: str) -> str | None:
    """Python that prints the converted amount with its unit; None if the text asks for no conversion we know."""
    straight = _FORMS[0].fullmatch(text)
    if straight:
        return _code(straight[1], straight[2], straight[3])
    turned = _FORMS[1].fullmatch(text)
    return _code(turned[2], turned[3], turned[1]) if turned else None


def _code(amount: str, given: str, wanted: str) -> str | None:
    value = "1" if amount.lower() in ("a", "an", "one") else number(amount.lstrip("-"))
    one, other = _unit(given), _unit(wanted)
    if value is None or one is None or other is None or one == other or _UNITS[one][0] != _UNITS[other][0]:
        return None
    value = f"-{value}" if amount.startswith("-") else value
    if _UNITS[one][0] == "temperature":
        return f"value = {_temperature(value, one, other)}\nprint(f'{{value:.10g}} {_shown(other)}')"
    factor = _size(one) / _size(other)
    return f"value = {value} * {factor.numerator} / {factor.denominator}\nprint(f'{{value:.10g}} {other}')"


def _unit(text: str) -> str | None:
    name = " ".join(text.lower().split()).rstrip(".")
    return _AS_WORDS.get(name) or _AS_WORDS.get(name.removesuffix("s")) or _BY_NAME.get(name)


def _size(unit: str) -> Fraction:
    whole, _, part = _UNITS[unit][1].partition("/")
    return Fraction(whole) / Fraction(part or "1")


def _temperature(value: str, given: str, wanted: str) -> str:
    celsius = {"C": value, "F": f"({value} - 32) * 5 / 9", "K": f"{value} - 273.15"}[given]
    return {"C": celsius, "F": f"({celsius}) * 9 / 5 + 32", "K": f"({celsius}) + 273.15"}[wanted]


def _shown(unit: str) -> str:
    return unit if unit == "K" else f"°{unit}"
