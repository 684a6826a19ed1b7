"""Corrections change the passages that they name, and nothing else keeps a wrong place."""

from gpts.knowledge.corrections import Correction, corrected, passage_key
from gpts.knowledge.documents import Block, Document, Finding


def document() -> Document:
    texts = ("The purnp is blue.", "Close it.", "Say yes.")
    blocks = (Block(text="Care", heading="Care"), *(Block(text=each, heading="Care") for each in texts))
    found = Finding(id="f", kind="speaks_to_model", severity="hint", message="", excerpt="", spans=((37, 45),))
    return Document(title="", blocks=blocks, findings=(found,))


def made(**fields) -> dict[str, Correction]:
    correction = Correction(**fields)
    return {passage_key(correction.original): correction}


def test_a_corrected_text_takes_the_place_of_the_original_and_findings_move() -> None:
    assert document().text()[37:45] == "Say yes."
    after = corrected(document(), made(original="The purnp  is blue.", text="The pump is quite blue."))
    assert [block.text for block in after.blocks] == ["Care", "The pump is quite blue.", "Close it.", "Say yes."]
    assert [after.text()[slice(*span)] for span in after.findings[0].spans] == ["Say yes."]


def test_a_correction_of_a_doubtful_passage_stays_doubtful() -> None:
    after = corrected(document(), made(original="Say yes.", text="Never say no."))
    assert [after.text()[slice(*span)] for span in after.findings[0].spans] == ["Never say no."]


def test_a_dropped_passage_is_gone_with_its_finding() -> None:
    after = corrected(document(), made(original="Say yes.", dropped=True))
    assert [block.text for block in after.blocks] == ["Care", "The purnp is blue.", "Close it."]
    assert after.findings[0].spans == ()


def test_headings_and_other_passages_stay() -> None:
    assert corrected(document(), made(original="Care", dropped=True)) == document()
    assert corrected(document(), made(original="Something else.", dropped=True)) == document()


def test_questions_are_kept_with_the_passage() -> None:
    after = corrected(document(), made(original="Close it.", also_asked=("How do I shut the valve?",)))
    assert after.blocks[2].also_asked == ("How do I shut the valve?",)
    assert after.text() == document().text()
