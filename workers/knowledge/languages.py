"""In which language a document is, told by py3langid: pure Python with numpy, its model in its package."""

from typing import Final

from gpts.knowledge.documents import Document

# Below this the guess is a coin toss; a Chinese letter says as much as three others.
_LEAST_CHARS: Final = 60
# Pieces from the beginning, the middle and the end, so that one quotation does not decide.
_PIECES: Final = 5
_PIECE_CHARS: Final = 400


def language_of(document: Document) -> str:
    """The ISO 639-1 code of the language that most of `document` is in, empty if it is too short to tell."""
    text = " ".join(block.text for block in document.blocks if any(each.isalpha() for each in block.text))
    letters = sum(3 if each > "\u2e80" else 1 for each in text[:1_000] if each.isalpha())
    if letters < _LEAST_CHARS:
        return ""
    import py3langid

    step = max(1, (len(text) - _PIECE_CHARS) // (_PIECES - 1))
    pieces = [text[at : at + _PIECE_CHARS] for at in range(0, len(text), step)][:_PIECES]
    code, _ = py3langid.classify(" ".join(pieces))
    # The model knows some languages by three letters only, and falls for them where a file is hardly text.
    return str(code) if len(code) == 2 else ""
