"""What is ours: it bears the lab's tags, and its name the lab's prefix."""

import re
from collections.abc import Mapping
from copy import copy
from fnmatch import fnmatchcase
from typing import Any

from helpers.errors import ForeignResource
from helpers.lab import Lab
from helpers.lab.settings import check

__all__ = ["check_ours", "is_ours", "labs_of", "log_group_of", "tag_list", "tag_mapping"]


def is_ours(lab: Lab, tags: Mapping[str, str]) -> bool:
    """Whether something with these tags was made by this lab, in whichever region, or by one of `labs_of`."""
    return tags.get("project") == lab.tags["project"] and fnmatchcase(tags.get("lab", ""), lab.tags["lab"])


def labs_of(lab: Lab, learners: str) -> Lab:
    """All labs on this account whose prefix is `learners`, a text in which `*` stands for anything, as if one.

    Raises InvalidSetting unless it begins as a prefix does.
    """
    labs, named = copy(lab), re.split(r"[*?[]", learners)[0]
    check("prefix", named, f"learners={learners!r}: what all their names begin with")
    labs.prefix, labs.tags = named, {**lab.tags, "lab": learners}
    return labs


def check_ours(lab: Lab, kind: str, name: str, tags: Mapping[str, str]) -> None:
    """Raise ForeignResource unless the tags are ours."""
    if not is_ours(lab, tags):
        raise ForeignResource(
            f"There is a {kind} named {name} without our tags, so somebody else made it and it is left untouched: "
            "connect with another prefix, or take another name."
        )


def tag_list(lab: Lab) -> list[dict[str, str]]:
    """The lab's tags in the form that IAM and most services take."""
    return [{"Key": key, "Value": value} for key, value in lab.tags.items()]


def tag_mapping(tags: Any) -> dict[str, str]:
    """Tags as a dictionary: most services give a list of pairs, some with key, some with Key."""
    if isinstance(tags, Mapping):
        return dict(tags)
    small = [{word.lower(): text for word, text in tag.items()} for tag in tags]
    return {tag["key"]: tag["value"] for tag in small}


def log_group_of(machine: str) -> str:
    """The log group of a state machine."""
    return f"/aws/vendedlogs/states/{machine}"
