"""A machine with all that it needs, in one line."""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from helpers import definition as definitions
from helpers.console import address
from helpers.deploy.resources import filled, function, state_machine, undoing
from helpers.lab import Lab, current
from helpers.verbatim import verbatim

__all__ = ["Deployment", "deploy"]


@dataclass(frozen=True)
class Deployment:
    """A state machine that can be started: its name and ARN, its definition as deployed, its functions' ARNs."""

    name: str
    arn: str
    definition: dict[str, Any] = field(repr=False)
    functions: dict[str, str]
    links: dict[str, str] = field(repr=False)
    """Pages of the AWS console by name; empty on the sandbox."""

    def _repr_html_(self) -> str:
        rows = {"state machine": self.arn, **{f"function {name}": arn for name, arn in self.functions.items()}}
        cells = "".join(
            f"<tr><th>{html.escape(kind)}</th><td>{self._linked(kind, arn)}</td></tr>" for kind, arn in rows.items()
        )
        return verbatim(f"<table>{cells}</table>")

    def _linked(self, kind: str, arn: str) -> str:
        shown = html.escape(arn)
        link = self.links.get(kind)
        return f'<a href="{html.escape(link)}">{shown}</a>' if link else shown


def deploy(
    definition: str | Path | Mapping[str, Any] = "busy_wait",
    name: str | None = None,
    *,
    type: Literal["STANDARD", "EXPRESS"] = "STANDARD",  # noqa: A002 - boto3's own word
    log_level: Literal["OFF", "ALL", "ERROR", "FATAL"] = "OFF",
    statements: Sequence[Mapping[str, Any]] = (),
    function_options: Mapping[str, Mapping[str, Any]] | None = None,
    role: str | None = None,
    function_role: str | None = None,
    permissions_boundary: str | None = None,
    lab: Lab | None = None,
    **placeholders: str,
) -> Deployment:
    """Make or update a state machine with its functions and roles; unchanged, it changes nothing.

    `definition` is a name among `definitions/`, a path or a definition already loaded; `name` the machine's (left out:
    the definition's). A placeholder `${StartJobArn}` that is not given takes the function of the folder `start_job`,
    which is made too; `function_options` holds arguments of `function` by such a name, as in
    `{"start_job": {"timeout": 10}}`. When a step fails, what this call made before is removed again.

    Raises what `function` and `state_machine` raise, UnknownName for options of a function that there is not.
    """
    lab = lab or current()
    if name is None:
        name = Path(definition).name.split(".")[0] if isinstance(definition, str | Path) else "machine"
    options = function_options or {}
    raw = definitions.load(definition) if isinstance(definition, str | Path) else definition
    needed = {
        placeholder: _function_of(placeholder)
        for placeholder in definitions.placeholders(raw)
        if placeholder not in placeholders and _function_of(placeholder) in definitions.functions()
    }
    # Everything that can be seen to be wrong is, before anything is made.
    for one in options:
        definitions.function_source(one)
    meant = {placeholder: f"arn:aws:lambda:::{one}" for placeholder, one in needed.items()}
    filled(raw, {**placeholders, **meant}, lab)
    with undoing() as undo:
        usual = {"role": function_role, "permissions_boundary": permissions_boundary}
        functions = {
            one: function(one, **{**usual, **options.get(one, {})}, lab=lab, undo=undo)
            for one in dict.fromkeys(needed.values())
        }
        arns = {placeholder: functions[one] for placeholder, one in needed.items()}
        final = filled(raw, {**placeholders, **arns}, lab)
        arn = state_machine(
            name,
            final,
            type=type,
            log_level=log_level,
            statements=statements,
            role=role,
            permissions_boundary=permissions_boundary,
            lab=lab,
            undo=undo,
        )
    return Deployment(lab.name(name), arn, final, functions, _links(lab, arn, functions))


def _function_of(placeholder: str) -> str:
    """`start_job` for `StartJobArn`; the article's `FunctionArn` does not say it."""
    if placeholder == "FunctionArn":
        return "stepfunctionlambda_test"
    return "_".join(re.findall(r"[A-Z][a-z0-9]*", placeholder.removesuffix("Arn"))).lower()


def _links(lab: Lab, arn: str, functions: Mapping[str, str]) -> dict[str, str]:
    if lab.target != "aws":
        return {}
    console = address(lab.region)
    at = f"home?region={lab.region}#"
    links = {"state machine": f"{console}/states/{at}/statemachines/view/{arn}"}
    for name, made in functions.items():
        links[f"function {name}"] = f"{console}/lambda/{at}/functions/{made.split(':function:')[-1]}"
    return links
