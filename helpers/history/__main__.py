"""`python -m helpers.history FILE|ARN`: the summary and the visits of an execution, without Jupyter."""

import argparse
import io
import sys

import pandas as pd

from helpers.errors import LabError
from helpers.history import events, summary, visits

_SHOWN = ["state", "type", "branch", "visit", "entered", "duration", "status", "attempts", "error"]


def main(arguments: list[str] | None = None) -> int:
    """Print the summary and visits of each execution in a file, or of the execution that an ARN names."""
    parser = argparse.ArgumentParser(prog="python -m helpers.history", description=__doc__)
    parser.add_argument("source", metavar="FILE|ARN", help="an exported history, or the ARN of an execution")
    source = parser.parse_args(arguments).source
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a pipe on Windows may know 256 characters only
    try:
        if source.startswith("arn:"):
            # Only here does this package reach AWS: reading a file needs no boto3.
            from helpers import execution

            table = events(execution.events(source), execution=source)
        else:
            table = events(source)
        for _, own in table.groupby("execution", sort=False, dropna=False):
            print(summary(own), end="\n\n")
            with pd.option_context("display.width", None, "display.max_columns", None):
                print(visits(own)[_SHOWN].to_string(index=False, na_rep=""), end="\n\n")
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
