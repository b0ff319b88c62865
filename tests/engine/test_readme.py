"""The README's three lines run a machine."""

import pathlib
import re

README = pathlib.Path(__file__).parents[2] / "README.md"


def test_the_block_runs_as_it_stands():
    section = README.read_text(encoding="utf-8").split("## Run a machine in your own pytest")[1]
    (block,) = re.findall(r"```python\n(.*?)```", section.split("\n## ")[0], re.DOTALL)
    names: dict[str, object] = {}
    exec(block, names)
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert tests
    for test in tests:
        test()  # type: ignore[operator]


def test_every_module_of_the_engine_is_explained():
    text = README.read_text(encoding="utf-8").split("### The engine")[1].split("\n**The checks")[0]
    modules = {path.stem for path in (README.parent / "helpers" / "engine").glob("*.py")} - {
        "__init__",
        "text",
        "scope",
    }
    assert not {name for name in modules if f"`{name}`" not in text}
