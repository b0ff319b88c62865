"""Find what was made, by its tags or its owner's, and remove it: one thing at a time, or all of it."""

import html
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import pandas as pd

from helpers.deploy.kinds import FAILURES, KINDS, NAMES, ORDER, Here, Kind, gone, why
from helpers.deploy.ownership import is_ours, labs_of
from helpers.lab import Lab, current
from helpers.lab.settings import check
from helpers.quantities import count
from helpers.verbatim import verbatim

__all__ = ["Inventory", "Removal", "made", "tear_down"]

COLUMNS = ["region", "kind", "name", "reason"]
PLURALS = {"activity": "activities", "event bus": "event buses"}
UNSEEN = "could not be looked at, because "


class Thing(NamedTuple):
    """A thing of ours; or with a reason one that could not be looked at, without a name a whole kind."""

    region: str
    kind: str
    name: str
    reason: str = ""
    learner: str = ""


class Inventory(pd.DataFrame):
    """A frame that shows itself whole, by learner, region and kind; `attrs["regions"]` are those looked into."""

    def _repr_html_(self) -> str:
        return verbatim(_grouped(self) if len(self) else f"<p>{html.escape(repr(self))}</p>")

    def __repr__(self) -> str:
        if self.empty:
            return f"Nothing of ours is there in {_listed(self.attrs.get('regions', []))}."
        return str(_shown(self).to_string(index=False))


class Removal:
    """What `tear_down` did: two frames, `removed` and `remaining`, with the columns region, kind, name, reason (text).

    A row of `remaining` without a name stands for a whole kind that could not be looked at.
    """

    def __init__(self, removed: pd.DataFrame, remaining: pd.DataFrame, regions: Iterable[str]) -> None:
        self.removed, self.remaining, self.regions = removed, remaining, sorted(regions)

    def __repr__(self) -> str:
        numbers = self.removed["kind"].value_counts(sort=False).items()
        counted = [count(number, str(kind), _plural(str(kind))) for kind, number in numbers]
        words = [f"Removed {_listed(counted)}." if counted else "There was nothing to remove."]
        if self.remaining.empty:
            words.append(f"Nothing is left in {_listed(self.regions)}.")
        unseen = self.remaining["reason"].str.startswith(UNSEEN)
        if not unseen.all():
            left = [f"{one.kind} {one.name} ({one.reason})" for one in self.remaining[~unseen].itertuples()]
            words.append(f"Still there: {'; '.join(left)}.")
        for one in (Thing(*row) for row in self.remaining.loc[unseen, COLUMNS].itertuples(index=False)):
            what = f"The {one.kind} {one.name}"
            if not one.name or one.name.startswith("("):
                what = f"{_plural(one.kind).capitalize()} {one.name}".strip()
            words.append(f"{what} in {one.region} {one.reason.rstrip('.')}.")
        return " ".join(words)

    def _repr_html_(self) -> str:
        tables = "".join(_grouped(frame) for frame in (self.removed, self.remaining) if len(frame))
        return verbatim(f"<p>{html.escape(repr(self))}</p>{tables}")


def tear_down(lab: Lab | None = None, *, regions: str | Iterable[str] = (), learners: str = "") -> Removal:
    """Remove all that was made in this lab, in the order that AWS needs, and look whether anything is left.

    Only what bears the lab's tags is touched, or belongs to what bears them, whatever half of it exists; calling it
    again is safe. Looked into are the lab's region, those that the tags of roles, users and buckets name, and
    `regions`: one in which only a company's own role was used is named nowhere else. Running executions are stopped. A
    role stays as long as anything acts as it, or it cannot be seen whether anything does. What cannot be looked at or
    removed does not keep the others, and is a row of `remaining` with its reason.

    On an account that a class shares, `learners` are those whose things go instead: a prefix, or one that ends in `*`
    for all that begin so, as in "sfn-lab-*". Whose a thing is stands in the column `learner`, that prefix.

    Raises SandboxGone when the sandbox ends meanwhile, InvalidSetting for learners or regions that cannot be.
    """
    here = _here(lab, learners)
    found = _look(here, _checked(regions))
    removed: list[Thing] = []
    refused: dict[tuple[str, ...], str] = {}
    for thing in sorted(found.things, key=lambda thing: ORDER.index(thing.kind)):
        if unseen := [one.kind for one in found.things if one.name == _all_of(thing) and one.reason]:
            refused[thing[:3]] = f"its {_plural(unseen[0])} could not be looked at"
        elif not thing.reason:
            try:
                KINDS[thing.kind].remove(here.at(thing.region), thing.name)
                removed.append(thing)
            except FAILURES as error:
                if not gone(error):
                    refused[thing[:3]] = why(error)
    left = _look(here, found.regions)
    remaining = [one._replace(reason=one.reason or refused.get(one[:3], "still there")) for one in left.things]
    return Removal(
        _frame((one for one in found.things if one in removed and one not in left.things), learners),
        _frame(remaining, learners),
        found.regions | left.regions,
    )


def made(lab: Lab | None = None, *, regions: str | Iterable[str] = (), learners: str = "") -> Inventory:
    """What there is in this lab that `tear_down` would remove.

    A frame with the columns region, kind, name and reason (text). A row with a reason is a thing, or without a name a
    whole kind, that could not be looked at. `regions` and `learners` are `tear_down`'s.
    """
    found = _look(_here(lab, learners), _checked(regions))
    inventory = Inventory(_frame(found.things, learners))
    inventory.attrs["regions"] = sorted(found.regions)
    return inventory


def _here(lab: Lab | None, learners: str) -> Here:
    lab = lab or current()
    return Here(labs_of(lab, learners) if learners else lab)


def _checked(regions: str | Iterable[str]) -> list[str]:
    found = [regions] if isinstance(regions, str) else list(regions)
    for region in found:
        check("region", region, "regions")
    return found


class Found(NamedTuple):
    things: list[Thing]
    regions: set[str]


def _look(here: Here, regions: Iterable[str]) -> Found:
    """All things of ours, first those that the whole world shares: they name the regions in which to look."""
    things = _things(here, worldwide=True)
    used = {here.region, *regions, *(thing.region for thing in things)}
    for region in sorted(used):
        things += _things(here.at(region), worldwide=False)
    things.sort(key=lambda thing: (thing.learner, thing.region, NAMES.index(thing.kind), thing.name))
    return Found(things, used)


def _things(here: Here, worldwide: bool) -> list[Thing]:
    things: list[Thing] = []
    for kind in KINDS.values():
        if kind.worldwide != worldwide:
            continue
        if kind.owner is None:
            things += _of_kind(here, kind)
        for owner in [one for one in things if one.kind == kind.owner and not one.reason]:
            things += _of_kind(here, kind, owner)
    return things


def _of_kind(here: Here, kind: Kind, owner: Thing | None = None) -> Iterator[Thing]:
    """Those of a kind that are ours. What has vanished since it was listed is left out, what fails has a reason."""
    try:
        for name in kind.listed(here, owner.name) if owner else kind.listed(here):
            try:
                if owner:
                    yield owner._replace(kind=kind.name, name=name)
                elif kind.tags and is_ours(here.lab, tags := kind.tags(here, name)):
                    region = tags.get("region", here.region) if kind.worldwide else here.region
                    yield Thing(region, kind.name, name, learner=tags["lab"])
            except FAILURES as error:
                if not gone(error):
                    yield Thing(here.region, kind.name, name, UNSEEN + why(error))
    except FAILURES as error:
        if not (owner and gone(error)):
            yield Thing(here.region, kind.name, _all_of(owner) if owner else "", UNSEEN + why(error))


def _all_of(owner: Thing) -> str:
    return f"(of {owner.kind} {owner.name})"


def _frame(things: Iterable[Thing], learners: str) -> pd.DataFrame:
    frame = pd.DataFrame(list(things), columns=Thing._fields, dtype="str")
    return frame[["learner", *COLUMNS] if learners else COLUMNS]


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    """Learner, region and kind only where they change, and the reasons only where there are some."""
    shown = pd.DataFrame(frame).drop(columns=[] if (frame["reason"] != "").any() else "reason")
    groups = [name for name in shown if name not in ("name", "reason")]
    shown.loc[shown.duplicated(groups), groups] = ""
    return shown


def _grouped(frame: pd.DataFrame) -> str:
    with pd.option_context("display.max_colwidth", None):
        return str(_shown(frame).to_html(index=False, max_rows=None))


def _plural(kind: str) -> str:
    return PLURALS.get(kind, f"{kind}s")


def _listed(words: Iterable[str]) -> str:
    *most, last = list(words) or ["no region"]
    return f"{', '.join(most)} and {last}" if most else last
