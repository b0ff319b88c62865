"""What a diagram shows, of any definition, however hostile its names."""

from __future__ import annotations

import itertools
import re
import shutil
import sys
import sysconfig
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from helpers.definition import load
from helpers.diagram import STATUSES, draw, legend, program
from helpers.diagram.palette import PASSIVE, PLAIN, UNREACHED, heat
from helpers.errors import DefinitionInvalid, DrawingFailed, UnknownName, UnknownStatus
from tests.definition.machines import SAMPLES

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    '"]; }',
    "<script>alert(1)</script>",
    "</script>",
    "<img src=x onerror=alert(1)>",
    "a\\nb\\N\\G\\l\\",
    "日本語 ünï ✓ 🎉",
    "x" * 100,
    "&amp;&#x3c;{|}",
    "%s $.x [0] #;`~",
    "--> end",
    "<<table>>",
    'fill="#fefdf1"',
    "√",
    "two\nlines\ttab",
    "\x00\x07\ud800",
]


def groups(svg: str, kind: str) -> list[ElementTree.Element]:
    return [group for group in ElementTree.fromstring(svg).iter(f"{SVG}g") if group.get("class") == kind]


def shape(svg: str, state: str) -> ElementTree.Element:
    return next(group for group in ElementTree.fromstring(svg).iter() if group.get("data-state") == state)


def words(element: ElementTree.Element) -> str:
    return " ".join(text.text or "" for text in element.iter(f"{SVG}text"))


def fills(element: ElementTree.Element) -> set[str]:
    return {
        part.get("fill", "") for part in element.iter() if part.tag in (f"{SVG}path", f"{SVG}polygon", f"{SVG}ellipse")
    }


def hostile() -> dict[str, Any]:
    states: dict[str, Any] = {
        name: {
            "Type": "Task",
            "Resource": f"arn:{name}",
            "Next": after,
            "Catch": [{"ErrorEquals": [name], "Next": name}],
        }
        for name, after in itertools.pairwise(HOSTILE)
    }
    rule = {"Variable": '$.<b>"\\', "StringEquals": "</text><script>\\", "Next": HOSTILE[0]}
    states[HOSTILE[-1]] = {"Type": "Choice", "Choices": [rule], "Default": HOSTILE[1]}
    return {"StartAt": HOSTILE[0], "States": states}


def test_bundle_has_three_forms():
    bundle = draw(load("busy_wait"), {"Main": "succeeded"})._repr_mimebundle_()
    assert set(bundle) == {"image/svg+xml", "image/png", "text/plain"}
    assert bundle["image/png"].startswith(b"\x89PNG")
    assert bundle["image/svg+xml"].startswith("<svg")
    assert bundle["text/plain"].startswith("State machine of 4 states, starting at Main. succeeded: Main;")


@pytest.mark.parametrize("given", ["busy_wait", '{"StartAt": "A"}', None, [1]])
def test_what_is_no_dict_is_refused_and_not_drawn_empty(given):
    with pytest.raises(DefinitionInvalid, match="give the definition as a dict"):
        draw(given)


def test_bundle_makes_only_what_is_asked_for():
    diagram = draw(load("busy_wait"))
    assert set(diagram._repr_mimebundle_(include=["image/svg+xml"])) == {"image/svg+xml"}
    assert set(diagram._repr_mimebundle_(exclude=["image/png"])) == {"image/svg+xml", "text/plain"}


@pytest.mark.parametrize("status", STATUSES)
def test_each_status_has_its_colour_and_sign_in_every_form(status):
    diagram = draw(load("busy_wait"), {"Main": status})
    look = STATUSES[status]
    main = shape(diagram.svg(), "Main")
    assert look.fill in fills(main)
    assert words(main).split()[0] == look.sign
    assert status.replace("_", " ") in (main.findtext(f"{SVG}title") or "")
    assert look.fill in diagram.source
    final = shape(diagram.svg(), "Final")
    assert UNREACHED.fill in fills(final)
    assert any(part.get("stroke-dasharray") for part in final.iter())


def test_a_pass_that_succeeded_is_grey():
    diagram = draw(SAMPLES["transfer"](), {"Pop": "succeeded", "Read": "succeeded"})
    assert PASSIVE.fill in fills(shape(diagram.svg(), "Pop"))
    assert STATUSES["succeeded"].fill in fills(shape(diagram.svg(), "Read"))


def test_the_colours_are_told_apart_and_legible():
    looks = [*STATUSES.values(), PASSIVE, UNREACHED]
    assert len({look.fill for look in looks}) == len({look.sign for look in looks}) == len(looks)
    for look in [*looks, PLAIN, *(heat(share / 20, PLAIN) for share in range(21))]:
        assert contrast(look.text, look.fill) >= 4.5, look
        assert contrast(look.text, look.tint) >= 4.5, look
        assert contrast(look.ink, look.fill) >= 3 or look.sign == " ", look


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG 2 defines it."""

    def luminance(colour: str) -> float:
        parts = [value / 255 for value in bytes.fromhex(colour[1:])]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_recolouring_is_the_same_as_drawing_anew():
    machine = SAMPLES["parallel_and_map"]()
    plain = draw(machine)
    for statuses in ({}, {"Both": "running", "One": "failed"}, {"Inner": "caught", "Done": "succeeded"}):
        assert plain.recoloured(statuses).svg() == draw(machine, statuses).svg()
        assert plain.recoloured(statuses).source == draw(machine, statuses).source
    assert plain.recoloured(None).svg() == draw(machine).svg()


def test_an_edge_is_one_line_and_a_diamond_is_not_much_wider_than_its_text():
    svg = draw(load("busy_wait")).svg()
    assert {len([*edge.iter(f"{SVG}path")]) for edge in groups(svg, "edge")} <= {1, 2}  # an arrowhead may be a path
    assert "#ffffff:" not in draw(load("busy_wait")).source
    choice = shape(svg, "CheckInvocationsStatus")
    points = next(choice.iter(f"{SVG}polygon")).get("points", "").split()
    across = [float(point.split(",")[0]) for point in points]
    assert max(across) - min(across) < 260


def test_kinds_of_edges_are_told_apart_and_labelled():
    machine = SAMPLES["parallel_and_map"]()
    source = draw(machine).source
    assert source.count("style=dotted") == 3
    assert "style=dashed" in source
    drawn = draw(load("busy_wait")).svg()
    labels = [words(edge) for edge in groups(drawn, "edge")]
    assert '$.status == "success"' in labels
    assert "otherwise" in labels
    assert "retry, up to 6" in labels
    assert "States.ALL" in [words(edge) for edge in groups(draw(machine).svg(), "edge")]


def test_start_and_end_marks_and_boxes():
    svg = draw(SAMPLES["parallel_and_map"]()).svg()
    assert len(groups(svg, "cluster")) == 1 + 2 + 2
    assert {group.get("data-state") for group in groups(svg, "cluster")} >= {"Both", "Old", "New"}
    ids = {group.get("id") for group in groups(svg, "node")}
    assert {"start", "finish"} <= ids
    assert all(re.fullmatch(r"\w+", id_ or "") for id_ in ids)


def test_hostile_names_are_text_in_svg():
    svg = draw(hostile(), dict.fromkeys(HOSTILE, "failed")).svg()
    root = ElementTree.fromstring(svg)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        *("svg", "g", "title", "desc", "rect", "path", "polygon", "ellipse", "text", "polyline"),
    }
    assert not re.search(r"<\s*/?\s*(script|img|table)", svg)
    nodes = [group for group in groups(svg, "node") if group.get("data-state")]
    assert len(nodes) == len(HOSTILE)
    for name, node in zip(HOSTILE, nodes, strict=True):
        if name.isprintable() and len(name) < 20:
            assert name in words(node).replace("  ", " "), name
    assert "x" * 100 in "".join(words(nodes[HOSTILE.index("x" * 100)]).split())
    assert svg.count(STATUSES["failed"].fill) >= len(HOSTILE)


def test_hostile_names_stay_within_dot():
    diagram = draw(hostile())
    assert diagram.png().startswith(b"\x89PNG")
    assert diagram.source.count("\n") < 200


@pytest.mark.parametrize(
    "definition", [{}, {"StartAt": "A"}, {"States": {"A": 3}}, {"StartAt": "A", "States": {"B": {}}}]
)
def test_what_is_not_finished_is_drawn_as_far_as_it_goes(definition):
    assert draw(definition).svg().startswith("<svg")


def test_a_target_that_is_missing_is_shown():
    definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "Gone"}}}
    assert "not in the definition" in words(shape(draw(definition).svg(), "Gone"))


def test_unknown_words_and_states_are_refused():
    with pytest.raises(UnknownStatus, match=r"'Succeeded'.*succeeded, failed"):
        draw(load("busy_wait"), {"Main": "Succeeded"})
    with pytest.raises(UnknownName, match=r"'Mian'.*Main, WaitforInvocation"):
        draw(load("busy_wait"), {"Mian": "failed"})


def test_without_a_drawing_program_there_is_text(monkeypatch):
    monkeypatch.setattr(program, "find", lambda: None)
    diagram = draw(load("busy_wait"), {"Main": "succeeded"})
    bundle = diagram._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert "graphviz-pure" in bundle["text/plain"]
    with pytest.raises(DrawingFailed):
        diagram.svg()
    assert set(legend()._repr_mimebundle_()) == {"text/plain"}


@pytest.mark.skipif(sys.platform == "win32", reason="needs a symbolic link named dot")
def test_dot_on_the_path_serves_where_ours_is_missing(monkeypatch, tmp_path):
    ours = shutil.which("graphviz-pure", path=sysconfig.get_path("scripts"))
    assert ours is not None
    (tmp_path / "dot").symlink_to(Path(ours))
    monkeypatch.setattr(program.sysconfig, "get_path", lambda _: str(tmp_path / "none"))
    monkeypatch.setenv("PATH", str(tmp_path))
    program.find.cache_clear()
    try:
        assert program.find() == str(tmp_path / "dot")
        (tmp_path / "dot").unlink()
        program.find.cache_clear()
        assert program.find() is None
    finally:
        program.find.cache_clear()


def test_legend_tells_every_colour_and_kind_of_edge():
    svg = legend().svg()
    said = words(ElementTree.fromstring(svg))
    for look in [*STATUSES.values(), PASSIVE, UNREACHED]:
        assert look.words in said
        assert look.fill in svg
    assert all(kind in said for kind in ("transition", "Default", "Catch", "Retry"))
    assert legend().png().startswith(b"\x89PNG")


def test_importing_needs_neither_network_nor_notebook():
    code = (
        "import sys, helpers.diagram, helpers.definition; "
        "print([m for m in ('boto3', 'botocore', 'IPython', 'moto') if m in sys.modules])"
    )
    done = program.subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
