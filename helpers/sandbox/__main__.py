"""The sandbox by hand: `sfn-lab sandbox start|status|stop|reset`, or the same as `python -m helpers.sandbox`."""

import dataclasses
import io
import json
import sys
from typing import Any

import click

from helpers.errors import LabError
from helpers.sandbox import process

__all__ = ["Commands", "sandbox"]


class Commands(click.Group):
    """Commands whose own errors are one sentence, and whose words any terminal can print."""

    def invoke(self, context: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")  # a pipe on Windows may know 256 characters only
        try:
            return super().invoke(context)
        except LabError as error:
            raise click.ClickException(str(error)) from None


@click.group(cls=Commands)
def sandbox() -> None:
    """The sandbox: an AWS of your own on this computer."""


@sandbox.command()
def start() -> None:
    """Start the sandbox, if none runs; it answers when this returns."""
    found = process.start()
    click.echo(f"{found.notice} {_running(found)}".strip())


@sandbox.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(as_json: bool) -> None:
    """Say whether a sandbox runs, and where."""
    found = process.status()
    if as_json:
        fields = ("endpoint_url", "access_key", "secret_key", "region", "pid")
        known = dataclasses.asdict(found) if found else {}
        click.echo(json.dumps({"running": found is not None, **{name: known.get(name) for name in fields}}))
    else:
        click.echo(_running(found) if found else "No sandbox is running.")


@sandbox.command()
def stop() -> None:
    """Stop the sandbox; what was made in it is forgotten."""
    click.echo("The sandbox has stopped." if process.stop() else "No sandbox was running.")


@sandbox.command()
def reset() -> None:
    """Empty the sandbox, which goes on running."""
    process.reset()
    click.echo("The sandbox is empty.")


def _running(found: process.Sandbox) -> str:
    return f"The sandbox runs at {found.endpoint_url} (process {found.pid})."


if __name__ == "__main__":
    sandbox(prog_name="python -m helpers.sandbox")
