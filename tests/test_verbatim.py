"""What a terminal obeys, or a reader does not see, is shown as its code: on the terminal, in HTML, SVG and errors."""

import json
import re

import pytest
from click.testing import CliRunner

from helpers import definition, diagram, history, timeline
from helpers.command import main
from helpers.errors import LabError, NotAHistory
from helpers.verbatim import clean, visible
from helpers.workbench import explore
from tests.workbench.test_explore import hostile, screens

UNSEEN = {
    "\x1b[2J": r"\x1b[2J", "\x07": r"\x07", "\x7f": r"\x7f", "\x9b31m": r"\x9b31m", "\u202e": r"\u202e",
    "\u2066": r"\u2066", "\u200f": r"\u200f", "\u061c": r"\u061c", "\u200b": r"\u200b", "\u2028": r"\u2028",
    "\ufeff": r"\ufeff", "\U000e0041": r"\U000e0041",
}  # fmt: skip
RAW = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)


@pytest.mark.slow
@pytest.mark.parametrize("character", UNSEEN)
def test_every_face_of_an_execution_shows_the_code(character, tmp_path):
    word = f"a{character}b"
    told = hostile(word)
    path = tmp_path / "history.json"
    path.write_text(json.dumps(told))
    events = history.events(path)
    shown = explore(path)
    compared = history.compare(events, events.assign(input=json.dumps({word: 1}, ensure_ascii=False)))
    drawn = timeline.draw(events)
    faces = {
        "terminal": CliRunner().invoke(main, ["why", str(path)]).output,
        "repr": repr(history.summary(events)) + repr(shown) + repr(compared) + repr(drawn),
        "HTML": history.summary(events)._repr_html_() + compared._repr_html_() + shown.report(),
        "still": shown._repr_mimebundle_()["text/html"],
        "screen": "".join(screens(shown)),
        "SVG": drawn.svg() + shown.view.picture.svg(),
    }
    for name, face in faces.items():
        assert not RAW.findall(face), name
        assert UNSEEN[character] in face, name


@pytest.mark.parametrize("character", UNSEEN)
def test_an_error_shows_the_code(character):
    assert str(LabError(f"no {character}")) == f"no {UNSEEN[character]}"
    assert UNSEEN[character] in NotAHistory(character)._render_traceback_()[0]
    with pytest.raises(NotAHistory) as refused:
        history.events({character: 1})
    assert not RAW.findall(str(refused.value))


def test_a_diagram_shows_the_code():
    machine = {"StartAt": "a\u202eb", "States": {"a\u202eb": {"Type": "Succeed"}}}
    drawn = diagram.draw(machine)
    for face in (drawn.svg(), drawn.source, drawn.sentence()):
        assert not RAW.findall(face)
        assert "202e" in face
    assert definition.problems(machine) == []


@pytest.mark.parametrize(
    "text",
    [
        "日本語 ünï ✓ 🎉",
        "👩\u200d🔬",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "two\nlines,\ttab\r\n",
        r"\x1b",
    ],
)
def test_what_people_write_stays_as_it_is(text):
    assert visible(text) == text


def test_a_name_stays_on_one_line():
    assert clean("a\r\n\tb\rc") == "a b c"
