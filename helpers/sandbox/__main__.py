"""The command line: python -m helpers.sandbox start|status|stop|reset."""

import argparse
import dataclasses
import io
import json
import sys

from helpers.errors import LabError
from helpers.sandbox import process


def main() -> int:
    """Do what the command line says; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m helpers.sandbox", description="The sandbox: an AWS of one's own.")
    parser.add_argument("verb", choices=["start", "status", "stop", "reset"])
    parser.add_argument("--json", action="store_true", help="status: print one JSON object")
    arguments = parser.parse_args()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a pipe on Windows may know 256 characters only
    try:
        print(report(arguments.verb, arguments.json))
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def report(verb: str, as_json: bool) -> str:
    """Do `verb` and return what to print."""
    if verb == "start":
        sandbox = process.start()
        return f"{sandbox.notice} {_running(sandbox)}".strip()
    if verb == "stop":
        return "The sandbox has stopped." if process.stop() else "No sandbox was running."
    if verb == "reset":
        process.reset()
        return "The sandbox is empty."
    found = process.status()
    if as_json:
        return json.dumps(describe(found))
    return _running(found) if found else "No sandbox is running."


def _running(sandbox: process.Sandbox) -> str:
    return f"The sandbox runs at {sandbox.endpoint_url} (process {sandbox.pid})."


def describe(sandbox: process.Sandbox | None) -> dict[str, object]:
    """What `status --json` prints: whether a sandbox runs, where, and with which keys."""
    fields = ("endpoint_url", "access_key", "secret_key", "region", "pid")
    if sandbox is None:
        return {"running": False, **dict.fromkeys(fields)}
    found = dataclasses.asdict(sandbox)
    return {"running": True, **{name: found[name] for name in fields}}


if __name__ == "__main__":
    sys.exit(main())
