"""How long a file a model reads right: questions about made-up files that grow until it misses facts in one.

The facts are alike and stand anywhere in the file, which is part of the prompt as in real chats. All questions about
a file follow the same beginning, which an engine with a prefix cache reads once. No file is begun that would probably
take longer than is left of `MOST_S`.
"""

import random
import time
from collections.abc import Callable
from itertools import product
from typing import Final

from gpts.knowledge.documents import Passage
from gpts.runs.state import whole_room
from gpts.spec.ability import READS_TOKENS
from workers.engine.ability_cases import Case, Examinee, Judged, check_spec, judge_whole

# The lengths in tokens, as far as prompts have room for them; then that room itself.
LENGTHS: Final = (4_000, 8_000, 16_000, 32_000, 64_000, 128_000)
# What a model that misses facts in the shortest file gets whole all the same: no more than a search gives it.
LEAST_READ: Final = 2_000
# Of the questions about a file, as many must be answered right.
ENOUGH: Final = 3
MOST_S: Final = 600.0
# English prose in the tokens of most models.
CHARS_PER_TOKEN: Final = 4
# What an entry of a made-up file has on average.
_ENTRY_CHARS: Final = 225

_BEGINNINGS: Final = "Bar Cor Den El Far Gren Hal Kel Lor Mar Nor Os Pel Quor Ros Sel Tor Ul Ven Wes".split()
_ENDINGS: Final = "den ford ham ley mont ric stow ton vale wick".split()
_NAMES: Final = tuple(map("".join, product(_BEGINNINGS, "a e i o u an en in on un ar er or".split(), _ENDINGS)))
_PEOPLE: Final = tuple(map(" ".join, product("Ada Ben Cleo Dan Eva Finn".split(), "Abt Bell Cole Dorn Ek".split())))
_INSPECTOR: Final = "Greta Holm"
_GOODS: Final = ("copper wire", "paint", "garden chairs", "paper", "spare tyres", "lamps", "school books", "rope")
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
_REMARKS: Final = (
    "Drivers sign the book at the desk before they unload.",
    "In winter the town clears the road to the station.",
    "The roof was repaired after the storm, and the gutters were replaced.",
    "Visitors leave their cars behind the fence and walk to the entrance.",
    "A narrow canal runs past the yard, and in summer the workers eat beside it.",
    "The older half of the building is of brick, the newer one of steel and glass.",
    "Rain is collected in two tanks and used to wash the trucks.",
)
# Where in a file the facts are, as shares of it: the three that one question asks for, then one for each other.
_SPREAD: Final = (0.12, 0.47, 0.88)
_SINGLE: Final = (0.07, 0.55, 0.93)


def read_lengths(model: Examinee, say: Callable[[str], object]) -> tuple[int | None, list[tuple[str, Case, Judged]]]:
    """The longest file in tokens that the model read right, and each answer with a name and its case.

    None if only its context ended the files before those that every model that writes gets.
    """
    started, longest = time.monotonic(), LEAST_READ
    given: list[tuple[str, Case, Judged]] = []
    planned = lengths(model)
    for number, n_tokens in enumerate(planned):
        begun = time.monotonic()
        if not _is_read(n_tokens, model, given):
            break
        longest, took = n_tokens, time.monotonic() - begun
        say(f"a file of {n_tokens} tokens was read right in {took:.0f} s")
        following = planned[number + 1] if number + 1 < len(planned) else 0
        if time.monotonic() - started + took * following / n_tokens > MOST_S:
            say(f"no longer file was tried: it would take more than {MOST_S:.0f} s in all")
            break
    is_open = longest < READS_TOKENS and longest == max(planned, default=LEAST_READ)
    return None if is_open else longest, given


def lengths(model: Examinee) -> list[int]:
    """The lengths that are tried, in tokens: none for a model whose prompts have no room for the least."""
    able = model.ability.model_copy(update={"reads_tokens": LENGTHS[-1]})
    most = whole_room(check_spec(), able)
    return [*(each for each in LENGTHS if each < 0.8 * most), most] if most > LEAST_READ else []


def made_file(n_tokens: int) -> tuple[Passage, list[Case]]:
    """A file of about so many tokens, always the same, and the questions about it."""
    chance = random.Random(n_tokens)
    names = chance.sample(_NAMES, len(_NAMES))
    facts = [chance.choice((_gate, _inspection, lambda chance: ""))(chance) for _ in names]
    n_entries = min(n_tokens * CHARS_PER_TOKEN // _ENTRY_CHARS, len(names))
    inspected, opened = ([int(share * n_entries) for share in shares] for shares in (_SPREAD, _SINGLE))
    for number in inspected:
        facts[number] = _inspection(chance, _INSPECTOR)
    codes = {number: _code(chance) for number in opened}
    for number, code in codes.items():
        facts[number] = _gate(chance, code)
    asked: Case = {
        "message": f"Which depots does {_INSPECTOR} inspect? Name all of them.",
        "holds": [names[number] for number in inspected],
    }
    others: list[Case] = [
        {"message": f"Which code opens the gate of the {names[number]} depot?", "holds": [code]}
        for number, code in codes.items()
    ]
    text = "\n\n".join(_entry(*each, chance) for each in zip(names[:n_entries], facts, strict=False))
    file = Passage(file_id="f", file_name="depots.txt", segment="s", chunk=0, text=text, start=0, end=len(text))
    return file, [asked, *others]


def _is_read(n_tokens: int, model: Examinee, given: list[tuple[str, Case, Judged]]) -> bool:
    """Whether enough answers about a file of this length are right. Adds those that it takes to know to `given`."""
    file, cases = made_file(n_tokens)
    n_right = 0
    for number, case in enumerate(cases):
        judged = judge_whole(case, file, model)
        given.append((f"{n_tokens}-{number}", case, judged))
        n_right += judged.parts["long_reading"]
        n_left = len(cases) - number - 1
        if n_right == ENOUGH or n_right + n_left < ENOUGH:
            break
    return n_right == ENOUGH


def _entry(name: str, fact: str, chance: random.Random) -> str:
    """A paragraph on a depot."""
    n_crates, goods, hall = chance.randrange(3, 90), chance.choice(_GOODS), chance.randrange(1, 9)
    remarks = " ".join(chance.sample(_REMARKS, 2))
    return f"The {name} depot stores {n_crates} crates of {goods} in hall {hall}. {fact}{remarks}"


def _gate(chance: random.Random, code: str = "") -> str:
    return f"Its gate opens with the code {code or _code(chance)}, its alarm is turned off with {_code(chance)}. "


def _inspection(chance: random.Random, person: str = "") -> str:
    return f"{person or chance.choice(_PEOPLE)} inspects it every {chance.choice(_DAYS)}. "


def _code(chance: random.Random) -> str:
    return f"{chance.choice('BDFGK')}{chance.choice('LMNPR')}-{chance.randrange(1_000, 10_000)}"
