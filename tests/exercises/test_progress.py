"""What was solved is kept and shown, with what is next."""

import json

import pytest

from helpers import errors, exercises
from helpers.exercises import learner
from helpers.exercises.judges import EXERCISES

ROUND = {"WaitforInvocation", "CheckInvocationsStatus"}


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_PROGRESS_DIR", str(tmp_path / "room"))
    monkeypatch.chdir(tmp_path)


def written(name: str, **solved: str) -> None:
    path = learner.file().with_name(f"{name}.json")
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"solved": {key.replace("_", "-"): at for key, at in solved.items()}}), encoding="utf-8")


def test_what_is_solved_is_shown_with_what_is_next():
    assert repr(exercises.progress()) == "Nothing solved yet; next: 00-longest."
    assert exercises.check("06-round", {"Main"}).state == "lacking"
    assert exercises.progress().solved == {}
    assert exercises.check("06-round", ROUND).state == "solved"
    assert repr(exercises.progress()) == "1 exercise solved; next: 06-cure."
    shown = exercises.progress()._repr_html_()
    assert "✔ round" in shown
    assert "○ cure" in shown
    assert "longest" not in shown  # of a lesson that was not begun


def test_what_was_solved_first_keeps_its_time_and_stays_when_it_is_missed_later():
    exercises.check("06-round", ROUND)
    before = exercises.progress().solved
    exercises.check("06-round", ROUND)
    exercises.check("06-round", set())
    assert exercises.progress().solved == before


def test_what_is_next_follows_what_was_solved_last():
    at = "2026-11-29T10:00:0{}Z".format
    names = list(EXERCISES)
    assert exercises.Progress({"06-round": at(1), "00-longest": at(0)}).next == "06-cure"
    assert exercises.Progress({"00-longest": at(2), "06-round": at(1)}).next == "00-outside"
    assert exercises.Progress({names[-1]: at(1)}).next == names[0]
    everything = exercises.Progress(dict.fromkeys(names, at(0)))
    assert everything.next is None
    assert repr(everything) == f"All {len(names)} exercises solved."
    assert "All" in everything._repr_html_()


def test_lessons_that_are_here_are_linked(tmp_path):
    (tmp_path / "06-not-ready-yet.ipynb").touch()
    assert '<a href="06-not-ready-yet.ipynb">06-cure</a>' in exercises.Progress({"06-round": "2026"})._repr_html_()


def test_a_room_has_a_row_for_each_learner():
    with pytest.raises(errors.InvalidSetting, match="LAB_PROGRESS_DIR"):
        exercises.room()
    written("ada@one", **{"00_longest": "2026-11-29T10:00:00Z", "00_outside": "2026-11-29T10:05:00Z"})
    written("max@two", **{"nonsense": "2026", "<b>": "2026"})
    learner.file().with_name("zoe@three.json").write_text("{", encoding="utf-8")
    room = exercises.room()
    assert room["learner"].tolist() == ["ada@one", "max@two", "zoe@three"]
    assert room["solved"].tolist() == [2, 0, 0]
    assert room["last"].iloc[0] == "2026-11-29T10:05:00Z"
    assert room["next"].tolist() == ["01-ready", "00-longest", "00-longest"]


def test_each_learner_has_a_file(monkeypatch):
    for person in ("ada", "ma/x"):
        monkeypatch.setenv("JUPYTERHUB_USER", person)
        exercises.check("06-round", ROUND)
    assert [name.split("@")[0] for name in exercises.room()["learner"]] == ["ada", "ma-x"]
