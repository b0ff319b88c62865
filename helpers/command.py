"""The command line, `sfn-lab`: the notebooks to work in, what they need on AWS, why an execution ended, the sandbox."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from helpers import statuses
from helpers.definition.library import kept
from helpers.errors import ExecutionNamed, LabError, NotAHistory, NotFound
from helpers.quantities import count
from helpers.sandbox import process
from helpers.sandbox.__main__ import Commands, sandbox
from helpers.verbatim import clean

if TYPE_CHECKING:
    import pandas as pd

    from helpers.lab import Lab
    from helpers.workbench.view import ExecutionView

__all__ = ["copy_notebooks", "main"]

# What `why` ends with. What click itself refuses is 2.
SUCCEEDED, ENDED_OTHERWISE, UNREADABLE, RUNNING = 0, 1, 3, 4
MOST_STATES = 10
FOLDER = "my-notebooks"
# What a teacher does for somebody, as that person's own command.
CLASS = {
    "warm-up": ["sandbox", "start"],
    "reset": ["sandbox", "reset"],
    "end": ["sandbox", "stop"],
    "hand-out": ["notebooks", "--copy-only"],
}
KINDS = ("*.ipynb", "solutions/*.ipynb", "samples/*", "pictures/*")


@click.group(cls=Commands)
def main() -> None:
    """Waiting with AWS Step Functions: the notebooks, and the sandbox that they run on."""


main.add_command(sandbox)


@main.command()
@click.option("--copy-only", is_flag=True, help="Open nothing: for VS Code, or a Jupyter that runs already.")
def notebooks(copy_only: bool) -> None:
    """Copy the notebooks into ./my-notebooks, never over what is there, and open JupyterLab on them."""
    folder = Path(FOLDER)
    try:
        for line in copy_notebooks(folder):
            click.echo(line)
    except OSError as error:
        raise click.ClickException(f"{error.filename} cannot be written: {error.strerror}.") from None
    if copy_only:
        click.echo(f"The notebooks are in {folder.resolve()}.")
        return
    # With it jsonschema builds a grammar of internationalised addresses, for a second and 15 MB; JupyterLab holds
    # nothing against it.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    from jupyterlab.labapp import LabApp

    # In this folder lies the answer to the question about news that JupyterLab would open with.
    settings = [str(Path(__file__).with_name("jupyter_extension")), os.environ.get("JUPYTER_CONFIG_PATH")]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, settings))
    LabApp.launch_instance(argv=[str(folder)])


@main.command()
@click.argument("sources", nargs=-1, required=True, metavar="ARN|URL|FILE...")
@click.option("--profile", help="The AWS profile to ask with.")
@click.option("--region", help="The region to ask in; left out, the one that the ARN names.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a report into this file, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object an execution, each in a line of its own.")
def why(sources: tuple[str, ...], profile: str | None, region: str | None, html: Path | None, as_json: bool) -> None:
    """Say what ended an execution, why, and where the time went.

    Of an execution on AWS or on the sandbox by its ARN, or by the address of its page in AWS's console; of an exported
    history by its file or a folder of them, - being standard input. Of a state machine or a Map Run it is the newest
    execution that ended otherwise than well, or the newest where none did. An ARN is asked of the account and region
    that it names. The exit status is 0 where all succeeded, 1 where one ended otherwise, 4 where one still runs and
    none ended otherwise, and 3 where there is nothing to be read.
    """
    from helpers.workbench.report import report

    try:
        views = [view for source in sources for view in _views(source, profile, region)]
        if html and len(views) > 1:
            raise NotAHistory(f"These are {len(views)} executions, and a report is about one: leave --html out.")
        for view in views:
            click.echo(json.dumps(_figures(view), ensure_ascii=False) if as_json else _screen(view))
        if html:
            try:
                html.write_text(report(views[0]), encoding="utf-8")
            except OSError as error:
                raise click.UsageError(f"{html} cannot be written: {error.strerror}.") from None
    except LabError as error:
        click.echo(str(error), err=True)
        sys.exit(UNREADABLE)
    ends = {view.status for view in views}
    going_on = {"SUCCEEDED", *statuses.RUNNING}
    sys.exit(SUCCEEDED if ends == {"SUCCEEDED"} else RUNNING if ends <= going_on else ENDED_OTHERWISE)


@main.command("class")
@click.argument("what", type=click.Choice(list(CLASS)))
@click.argument("people", nargs=-1, required=True)
def for_class(what: str, people: tuple[str, ...]) -> None:
    """As root, for each of these users of this machine: warm-up starts their sandbox, reset empties it, end ends it,
    hand-out gives them the lessons that are newer than theirs, beside theirs.
    """
    if sys.platform == "win32":
        raise click.ClickException("A class has users of a Unix system.")
    import pwd

    for name in people:
        try:
            person = pwd.getpwnam(name)
            home = {"HOME": person.pw_dir, "USER": name, "PATH": os.environ.get("PATH", os.defpath)}
            as_person: dict[str, Any] = {"user": person.pw_uid, "group": person.pw_gid, "extra_groups": []}
            program = [str(Path(sys.executable).parent / "sfn-lab"), *CLASS[what]]
            ran = subprocess.run(program, cwd=person.pw_dir, env=home, capture_output=True, text=True, **as_person)
        except (KeyError, OSError) as error:
            raise click.ClickException(
                f"Nothing can be done as {name} ({error}): are you root, is the name right?"
            ) from None
        click.echo(f"{name}: {(ran.stdout + ran.stderr).strip()}")


@main.command()
@click.option("--account", envvar="LAB_ACCOUNT", required=True, help="The account's twelve digits.")
@click.option("--region", envvar="LAB_REGION", required=True, help="The region to work in.")
@click.option("--prefix", envvar="LAB_PREFIX", required=True, help="What all names begin with; the Lab's card says it.")
@click.option("--lessons", help="Only what these notebooks need, as in 00-07,99.")
def permissions(account: str, region: str, prefix: str, lessons: str | None) -> None:
    """Print the least policy of IAM with which the notebooks run on an account, as JSON.

    It holds the actions that the notebooks were seen to ask for on the sandbox, each on what bears the prefix; what AWS
    cannot bind to a name stands apart. It was checked on the sandbox, not on AWS.
    """
    from helpers.lab.accounts import doubted
    from helpers.lab.lessons import chosen, policy

    found = policy(account, region, prefix, None if lessons is None else chosen(lessons))
    click.echo(json.dumps(found, indent=2))
    if doubt := doubted(region):
        click.echo(f"This policy is for {doubt}", err=True)


@main.command()
@click.argument("definition", metavar="DEFINITION")
@click.argument("histories", nargs=-1, required=True, metavar="HISTORY...")
@click.option("--repeat", is_flag=True, help="Answer calls that a history does not know as their state's last one.")
def rehearse(definition: str, histories: tuple[str, ...], repeat: bool) -> None:
    """Run DEFINITION again on the answers of recorded executions: would they end as they did?

    DEFINITION is a file or a name of `definitions/`, each HISTORY an exported history, a folder of them, or a store
    that `collect` made. The exit status is 0 where all end as before, 1 where one ends otherwise or comes to a call
    that its history does not answer, and 3 where there is nothing to be read.
    """
    import pandas as pd

    from helpers import rehearsal
    from helpers.definition import load

    try:
        machine = load(definition)
        found = [rehearsal.check(machine, history, repeat=repeat, progress=False) for history in histories]
        rows = rehearsal.summed(pd.concat(found, ignore_index=True))
    except LabError as error:
        click.echo(str(error), err=True)
        sys.exit(UNREADABLE)
    other = rows[rows["was"] != rows["now"]]
    for row in other.fillna("").to_dict("records"):
        click.echo(clean(f"{row['execution']}: {row['was'] or 'unreadable'}, now {row['now']}. {row['parted']}"))
    click.echo(rows.attrs["summary"])
    sys.exit(UNREADABLE if rows["was"].isna().all() else ENDED_OTHERWISE if len(other) else SUCCEEDED)


def _views(source: str, profile: str | None, region: str | None) -> "list[ExecutionView]":
    from helpers.workbench.view import arn_in, from_file

    try:
        if source == "-":
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "standard-input.json"
                path.write_bytes(sys.stdin.buffer.read())
                return _with_events(from_file(path))
        if not source:  # as a variable of the shell that is not set
            raise NotAHistory("Nothing was named: give an ARN, the address of a page in AWS's console, or a file.")
        if not source.startswith(("arn:", "https://", "http://")):
            return _with_events(from_file(source))
    except ExecutionNamed as named:
        click.echo(str(named), err=True)
        if source == "-" or not _is_asked_by_a_person() or not click.confirm("Fetch it now?", err=True):
            sys.exit(UNREADABLE)
        return [_fetched(arn, profile, region) for arn in named.arns]
    arn = arn_in(source)
    if arn is None:
        raise NotAHistory(f"{clean(source[:200])} names no execution: give the ARN of one, or its page's address.")
    return [_fetched(arn, profile, region)]


def _is_asked_by_a_person() -> bool:
    return sys.stdin.isatty()


def _fetched(arn: str, profile: str | None, region: str | None) -> "ExecutionView":
    from helpers.workbench.listing import newest
    from helpers.workbench.view import from_arn

    lab = _place(arn, profile, region)
    return from_arn(arn if ":execution:" in arn or ":express:" in arn else newest(arn, lab), lab)


def _with_events(views: "list[ExecutionView]") -> "list[ExecutionView]":
    found = [view for view in views if len(view.events)]
    if not found:
        raise NotAHistory("There is nothing in it, no event: give the history of an execution that has begun.")
    if empty := len(views) - len(found):
        found[0].denied.append(f"{count(empty, 'history', 'histories')} without an event left out.")
    return found


def _place(arn: str, profile: str | None, region: str | None) -> "Lab":
    """Where an execution is: on the sandbox if one runs that has its account, else on AWS, in its own account."""
    from helpers import connect
    from helpers.lab.settings import settings

    _, _, _, named, account, *_ = arn.split(":")
    with redirect_stdout(sys.stderr):  # what connect has to say is no part of the answer
        if "://" in (settings().target or ""):
            lab = connect(profile=profile, region=region or named)
            if lab.account == account:
                return lab
        elif profile is None and account == process.ACCOUNT:
            if not process.status():
                raise NotFound(f"The account {account} is the sandbox's, and none is running: what it held is gone.")
            return connect("sandbox", region=region or named)
        return connect("aws", profile=profile, region=region or named, account=account)


def _figures(view: "ExecutionView") -> dict[str, Any]:
    """What `why` says, as values of JSON: dates in ISO 8601, durations in seconds."""
    found = {**view.summary.as_dict(), "status": view.status, "notes": view.notes}
    for name, value in found.items():
        if hasattr(value, "total_seconds"):
            found[name] = value.total_seconds()
        elif hasattr(value, "isoformat"):
            found[name] = value.isoformat()
    states = json.loads(_states(view).to_json(orient="records"))
    return {**found, "states": states}


def _screen(view: "ExecutionView") -> str:
    states = _states(view)
    shown = states.head(MOST_STATES).rename(columns=lambda name: name.replace("_", " "))
    shown["state"] = shown["state"].map(clean)
    more = f"\n... and {len(states) - MOST_STATES} more states" if len(states) > MOST_STATES else ""
    where = ""
    inside = view.visits.loc[view.visits["status"].isin(statuses.OPEN_VISIT), "state"].unique()
    if view.status in statuses.RUNNING and len(inside):
        label = "Last in" if view.described is None else "Still in"  # a file may have been cut off
        where = f"\n{label:<14}{clean(', '.join(inside[:MOST_STATES]))}"
    summary = f"{replace(view.summary, notes=view.notes)}{where}"
    return f"{summary}\n\n{shown.to_string(index=False, na_rep='unknown')}{more}\n"


def _states(view: "ExecutionView") -> "pd.DataFrame":
    """The states in which the time went, the longest first; seconds, those of parallel visits added up.

    What goes on reaches to the present.
    """
    summary, visits = view.summary, view.visits
    spent = visits["duration"]
    if summary.started is not None and summary.duration is not None:
        present = summary.started + summary.duration
        spent = spent.fillna((present - visits["entered"]).where(visits["status"].isin(statuses.OPEN_VISIT)))
    visits = visits.assign(seconds=spent.dt.total_seconds())
    states = visits.groupby("state").agg(
        visits=("state", "size"),
        tries=("attempts", "sum"),
        not_succeeded=("status", lambda of: of.isin(statuses.ENDED_OTHERWISE).sum()),
        seconds=("seconds", lambda of: of.sum(min_count=1)),
        longest=("seconds", "max"),
    )
    return states.sort_values("seconds", ascending=False, kind="stable").round(3).reset_index()


def copy_notebooks(folder: Path) -> list[str]:
    """Copy notebooks, solutions, samples and pictures to `folder`, where a learner works in them.

    A file that is there stays as it is, whatever was done to it. Where ours has changed since it was copied, ours comes
    beside it, with `-new` in its name; a sentence for each of these is returned.
    """
    said = []
    source = kept("notebooks")
    for path in sorted(path for kind in KINDS for path in source.glob(kind) if path.is_file()):
        copy = folder / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        place, there = copy, []
        while place.exists():
            there.append(_version(place))
            place = place.with_stem(f"{place.stem}-new")
        if _version(path) in there:
            continue
        shutil.copyfile(path, place)
        if there:
            said.append(f"{copy} stays as it is; a newer one lies beside it: {place.name}.")
    return said


def _version(path: Path) -> object:
    """What stays the same however a learner works in a copy: of a notebook, the digest that it was stored with."""
    if path.suffix == ".ipynb":
        try:
            return json.loads(path.read_text(encoding="utf-8"))["metadata"]["sources"]
        except (ValueError, TypeError, KeyError):
            return None
    return path.read_bytes()
