"""Measure everything that is measured and write the table into the README.

python -m tests.benchmarks                 all of them, on a sandbox of their own
python -m tests.benchmarks history roles   only these: their rows of the table are written anew
"""

import argparse
import importlib
import os
import pathlib
import re
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
README = HERE.parents[1] / "README.md"
TABLE = re.compile(r"(?<=<!-- benchmarks -->\n).*?(?=<!-- /benchmarks -->)", re.DOTALL)
HEAD = "| figure | measured | baseline | ratio | bound |\n| --- | ---: | ---: | ---: | ---: |\n"


def names() -> list[str]:
    """The benchmarks there are, by the concern that they measure."""
    return sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))


def shown(value: object) -> str:
    """A number to three digits, nothing for None, anything else as it is."""
    if value is None:
        return ""
    return f"{value:,.3g}" if isinstance(value, float) else str(value)


def row(figure: dict[str, object]) -> str:
    """One line of the table; a bound that is a bare number is the most that may be measured."""
    if isinstance(bound := figure.get("bound"), int | float):
        figure = figure | {"bound": f"<= {bound:g}"}
    cells = (shown(figure.get(column)) for column in ("figure", "measured", "baseline", "ratio", "bound"))
    return f"| {' | '.join(cells)} |\n"


def kept() -> dict[str, str]:
    """The rows that the table has, by figure."""
    table = TABLE.search(README.read_text(encoding="utf-8"))
    lines = table[0].splitlines(keepends=True)[2:] if table else []
    return {line.split("|")[1].strip(): line for line in lines}


def main() -> int:
    """Measure and write; returns 0."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("names", nargs="*", choices=[*names(), []], metavar="name")
    chosen = options.parse_args().names
    with tempfile.TemporaryDirectory(prefix="benchmarks-", ignore_cleanup_errors=True) as folder:
        os.environ["LAB_SANDBOX_DIR"] = folder
        from helpers import sandbox

        rows = kept() if chosen else {}
        for name in chosen or names():
            try:
                for figure in importlib.import_module(f"tests.benchmarks.{name}").measure():
                    rows[figure["figure"]] = row(figure)
                    print(row(figure), end="", flush=True)
            finally:
                sandbox.stop()
    text = README.read_text(encoding="utf-8")
    README.write_text(TABLE.sub(lambda _: HEAD + "".join(rows.values()), text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
