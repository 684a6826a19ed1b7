"""The grammar of sums: parses numbers and signs and writes exact Python, without any text of the message."""

import re
from typing import Final

from workers.smallmodel.phrases import phrases

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>\d[\d.,'’_]*\d|\d|\.\d+)(?P<e>[eE][+-]?\d{1,3})?(?![\w])"
    r"|(?P<name>sqrt|cbrt|factorial|pi)\b|(?P<sign>%of|%%|\*\*|[-+*/^()%!×·÷−–]|(?<=[\d)\s])[xX](?=[\s\d(])))"
)
_ALIKE: Final = {"×": "*", "·": "*", "x": "*", "X": "*", "÷": "/", "−": "-", "–": "-", "**": "^"}
# Code that calculates, and code that prints `value`.
_CODE: Final = phrases("arithmetic")["code"]


class NoSum(Exception):
    """The text is not a calculation."""


def printed(value: str) -> str:
    """Code that prints a number as people write it: whole if it is, else with at most ten significant digits."""
    if not re.search(r"F\('\d*\.|[/e]|_root|_power|math|statistics|round", value):
        plain = re.sub(r"F\('(\d+)'\)", r"\1", value)
        return f"print({plain[1:-1] if _is_enclosed(plain) else plain})"
    needed = [_CODE[name] for name in ("_root", "_power") if f"{name}(" in value]
    return "\n".join([_CODE["imports"], *needed, f"value = {value}", _CODE["print"]])


def _is_enclosed(code: str) -> bool:
    """Whether the last bracket closes the first."""
    depth = 0
    for place, sign in enumerate(code):
        depth += (sign == "(") - (sign == ")")
        if depth == 0:
            return sign == ")" and place == len(code) - 1
    return False


def number(text: str) -> str | None:
    """A number as Python writes it, from 1,234.5 or 1.234,5 or 19,99 or 1 000; None if it is none, or a version."""
    text = re.sub(r"(?<=\d)['’_\s](?=\d{3}(?!\d))", "", text)
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", text):
        text = text.replace(",", "")
    elif re.fullmatch(r"\d{1,3}(?:\.\d{3}){2,}(?:,\d+)?|\d{1,3}(?:\.\d{3})+,\d+", text):
        text = text.replace(".", "").replace(",", ".")
    elif re.fullmatch(r"\d+,\d+", text):
        text = text.replace(",", ".")
    if not re.fullmatch(r"\d+(?:\.\d+)?|\.\d+", text):
        return None
    whole, dot, part = text.partition(".")
    return (whole.lstrip("0") or "0") + dot + part


def tokens(text: str) -> list[str]:
    """Numbers as Python writes them, signs and names. Raises NoSum for anything else."""
    parsed: list[str] = []
    place = 0
    text = text.rstrip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        if not found or found.end() == place:
            raise NoSum
        if found["number"]:
            value = number(found["number"])
            if value is None or len(value) > 60:
                raise NoSum
            parsed.append(value + (found["e"] or ""))
        else:
            sign = found["name"] or found["sign"]
            parsed.append(_ALIKE.get(sign, sign))
        place = found.end()
    return parsed


class Parser:
    """sum := term (± term)*; term := power (*/ power)*; power := [±] post [^ power]; post := atom (% | !)*.

    Each returns Python. Numbers become fractions, so that 0.1 + 0.2 is 0.3. Raises NoSum.
    """

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0

    def whole(self) -> str:
        """Python for the whole sum."""
        code = self._sum()
        if self._at < len(self._tokens):
            raise NoSum
        return code

    def _next(self, *wanted: str) -> str:
        """Consume and return the next token if it is one of `wanted`; else an empty string."""
        if self._at < len(self._tokens) and self._tokens[self._at] in wanted:
            self._at += 1
            return self._tokens[self._at - 1]
        return ""

    def _sum(self) -> str:
        code = self._term()
        while sign := self._next("+", "-"):
            code = self._added(code, sign, self._term())
        return code

    def _added(self, left: str, sign: str, right: str) -> str:
        """ "80 + 15 %" means fifteen percent of the eighty, as on a pocket calculator."""
        if percent := re.fullmatch(r"\((F\('[\d.]+'\)) / 100\)", right):
            return f"({left} * (1 {sign} {percent[1]} / 100))"
        return f"({left} {sign} {right})"

    def _term(self) -> str:
        code = self._power()
        while sign := self._next("*", "/", "%%", "%of"):
            code = f"({code} / 100 * {self._power()})" if sign == "%of" else f"({code} {sign[0]} {self._power()})"
        return code

    def _power(self) -> str:
        if sign := self._next("-", "+"):
            return f"({sign}{self._power()})"
        code = self._post()
        if self._next("^"):
            power = self._power()
            return _powered(code, power)
        return code

    def _post(self) -> str:
        code = self._atom()
        while sign := self._next("!", "%"):
            code = f"math.factorial({_small_whole(code)})" if sign == "!" else f"({code} / 100)"
        return code

    def _atom(self) -> str:
        if self._next("("):
            code = self._sum()
            if not self._next(")"):
                raise NoSum
            return code
        if name := self._next("sqrt", "cbrt"):
            return f"_root({self._post()}, {2 if name == 'sqrt' else 3})"
        if self._next("factorial"):
            return f"math.factorial({_small_whole(self._atom())})"
        if self._next("pi"):
            return "math.pi"
        if self._at < len(self._tokens) and re.fullmatch(r"[\d.]+(?:[eE][+-]?\d+)?", self._tokens[self._at]):
            self._at += 1
            return f"F('{self._tokens[self._at - 1]}')"
        raise NoSum


def _powered(code: str, power: str) -> str:
    """A power; a small whole power of a small whole number with Python's operator."""
    whole, exponent = re.fullmatch(r"F\('(\d{1,9})'\)", code), re.fullmatch(r"F\('(\d{1,3})'\)", power)
    return f"({code} ** {exponent[1]})" if whole and exponent else f"_power({code}, {power})"


def _small_whole(code: str) -> str:
    """The number for a factorial, at most 1,000. Raises NoSum."""
    found = re.fullmatch(r"F\('(\d{1,4})'\)", code)
    if not found or int(found[1]) > 1_000:
        raise NoSum
    return found[1]
