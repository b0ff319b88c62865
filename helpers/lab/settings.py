"""What a company, or a teacher, asks of all that is made: in the environment, or in a file beside the notebooks."""

import getpass
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from helpers.errors import InvalidSetting

__all__ = ["Settings", "check", "hyphened", "person", "settings"]

FILE = "lab.toml"
TAG = re.compile(r"[\w .:/=+@-]{1,128}")  # what all services take ("Best practices for tagging AWS resources")
FORMS = {
    "account": (r"\d{12}", "the twelve digits of an account"),
    "region": (r"[a-z]{2}(-[a-z]+)+-\d", "a region such as eu-central-1"),
    "prefix": (r"[A-Za-z][A-Za-z0-9_-]{0,29}", "up to 30 letters, digits, - and _, beginning with a letter"),
    "permissions_boundary": (r"arn:aws[a-z-]*:iam::(\d{12}|aws):policy/\S+", "the ARN of a policy"),
    "role": (r"arn:aws[a-z-]*:iam::\d{12}:role/\S+", "the ARN of a role"),
    "function_role": (r"arn:aws[a-z-]*:iam::\d{12}:role/\S+", "the ARN of a role"),
    "workgroup": (r"[A-Za-z0-9._-]{1,128}", "the name of a workgroup of Athena"),
}


@dataclass(frozen=True)
class Settings:
    """The rules that hold for all that is made, None where there is none.

    `role` is the one of all state machines, `function_role` that of all functions; `permissions_boundary` is set above
    every role and user that is made, `tags` are given to all that takes tags, and `workgroup` runs Athena's queries.
    """

    target: str | None = None
    account: str | None = None
    region: str | None = None
    prefix: str | None = None
    permissions_boundary: str | None = None
    role: str | None = None
    function_role: str | None = None
    workgroup: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The rules in words, as the card shows them; empty where there are none."""
        named = {
            "boundary": self.permissions_boundary,
            "machines' role": self.role,
            "functions' role": self.function_role,
            "workgroup": self.workgroup,
            "tags": ", ".join(f"{key}={value}" for key, value in self.tags.items()),
        }
        return "; ".join(f"{name} {value}" for name, value in named.items() if value)


KNOWN = [one.name for one in fields(Settings)]


def settings() -> Settings:
    """What `LAB_ACCOUNT`, `LAB_REGION`, ... say in the environment, and where they say nothing the file `lab.toml`.

    The file is the one in the present folder, or else in the one above it; its names are the same in small letters
    without `LAB_`, and `[tags]` is a table there. `LAB_TAGS` is written as `team=data,cost-center=42`.

    Raises InvalidSetting for a name that there is not, and for a value that cannot be.
    """
    said, source = _file()
    for name in set(said) - set(KNOWN):
        near = get_close_matches(name, KNOWN, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(KNOWN)}."
        raise InvalidSetting(f"{source} has no setting {name!r}; {hint}")
    named = {name: f"{name} in {source}" for name in said}
    for name in KNOWN:
        if value := os.environ.get(f"LAB_{name.upper()}"):
            said[name], named[name] = _tags(value) if name == "tags" else value, f"LAB_{name.upper()}"
    for name, value in said.items():
        check(name, value, named[name])
    return Settings(**said)


def _file() -> tuple[dict[str, Any], str]:
    for folder in (Path.cwd(), Path.cwd().parent):
        path = folder / FILE
        if path.is_file():
            try:
                return tomllib.loads(path.read_text(encoding="utf-8")), str(path)
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise InvalidSetting(f"{path} is no TOML: {error}; correct it or take it away.") from None
    return {}, FILE


def _tags(text: str) -> dict[str, str]:
    """The tags by key; a part without `=` has no value, which is refused."""
    pairs = [part.partition("=") for part in text.split(",")]
    return {key.strip(): value.strip() for key, _, value in pairs}


def person() -> str:
    """Whoever sits here: JupyterHub's user, or the computer's; empty where it knows none."""
    try:
        return os.environ.get("JUPYTERHUB_USER") or getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def hyphened(prefix: str) -> str:
    """A prefix in the only letters that buckets' names can hold."""
    return prefix.lower().replace("_", "-")


def check(name: str, value: object, source: str) -> None:
    """Raise InvalidSetting where a setting of this name cannot be this; `source` says where it stands."""
    if name == "tags":
        pairs = value.items() if isinstance(value, dict) else [(None, None)]
        if not all(isinstance(one, str) and TAG.fullmatch(one) for pair in pairs for one in pair):
            raise InvalidSetting(
                f"{source} are no tags; write them as team=data,cost-center=42, or as a table in {FILE}."
            )
        return
    form, meant = FORMS.get(name, (r".+", "a text"))
    if not isinstance(value, str) or not re.fullmatch(form, value):
        raise InvalidSetting(f"{source} cannot be {value!r}; it is {meant}.")
