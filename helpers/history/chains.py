"""Which state, branch and visit each event belongs to, read off the chain of `previousEventId`.

Branches run at the same time, so the last state seen before an event says nothing; the event that it names as its
previous one does. Each event leaves a *place* behind: the visit it happened in, or, once that visit is exited, the
scope around it. The next event of the chain starts from there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from helpers.history.event_types import CONTAINERS, Group, Kind, read

__all__ = ["Places", "follow"]


class _Scope:
    """One run of a sequence of states: the top level, an iteration of a Map, a branch of a Parallel."""

    __slots__ = ("branch", "container", "counts", "index")

    def __init__(
        self, index: int, branch: str | None, counts: dict[str, int], container: "_Visit | None" = None
    ) -> None:
        self.index = index
        self.branch = branch
        self.counts = counts
        self.container = container


class _Visit:
    """One entering of a state."""

    __slots__ = ("index", "iteration", "name", "number", "open", "scope", "scopes", "type")

    def __init__(self, index: int, name: str, state_type: str, scope: _Scope) -> None:
        self.index = index
        self.name = name
        self.type = state_type
        self.scope = scope
        self.number = scope.counts[name] = scope.counts.get(name, 0) + 1
        # A Map or Parallel is open until it has succeeded, failed or was aborted; a retry or redrive opens it again.
        self.open = True
        self.scopes: dict[str, _Scope] | None = {} if state_type in CONTAINERS else None
        self.iteration: _Scope | None = None


_Place = _Scope | _Visit | None


_NOWHERE = 1
"""The index of the scope of visits whose surroundings lie in a missing part of the history."""


@dataclass
class Places:
    """What `follow` finds.

    For each event `visits` and `scopes` hold an index: of the visit that it belongs to (-1 for none) into `names` and
    `numbers`, and of the scope that it lies in into `branches`. `lost` counts the events
    whose place is unknown, since the chain leads to an event that is not there.
    """

    visits: list[int]
    scopes: list[int]
    names: list[str]
    numbers: list[int]
    branches: list[str | None]
    lost: int


class _Walk:
    """What is known of the visits while we follow one execution's chain."""

    def __init__(self) -> None:
        self.visits: list[_Visit] = []
        # Visits are distinguished by branch, name and number, even where hostile names make two branches look alike.
        self.counts: dict[str | None, dict[str, int]] = {"": {}, None: {}}
        self.root = _Scope(0, "", self.counts[""])
        self.nowhere = _Scope(_NOWHERE, None, self.counts[None])
        self.scopes = [self.root, self.nowhere]
        self.unfinished: dict[_Visit, None] = {}
        self.home: dict[str, _Scope] = {}
        self.resumed: set[_Visit] = set()

    def inside(self, visit: _Visit, ending: str) -> _Scope:
        """The scope of one iteration or branch of a visit, the same one when a retry runs it again."""
        if visit.scopes is None:
            visit.scopes = {}
        scope = visit.scopes.get(ending)
        if scope is None:
            outer = visit.scope.branch
            inner = f"{visit.name}#{visit.number}{ending}"
            branch = None if outer is None else f"{outer}/{inner}" if outer else inner
            scope = visit.scopes[ending] = _Scope(len(self.scopes), branch, self.counts.setdefault(branch, {}), visit)
            self.scopes.append(scope)
        return scope

    def enter(self, name: str, state_type: str, before: _Place, redriven: bool = False) -> _Visit:
        """A new visit, in the scope that the place before it says."""
        if before is None:
            # Past a gap, a state's scope is known only where there can be just one: at the top.
            scope = self.root if self.home.get(name) is self.root else self.nowhere
        elif isinstance(before, _Scope):
            scope = before
        elif before.type == "Parallel" and before.open:
            scope = self.inside(before, f":{name}")
        elif before.type == "Map" and before.open and before.iteration is not None:
            scope = before.iteration
        else:
            scope = before.scope
        if redriven:
            scope = self.home.get(name, scope)
        visit = _Visit(len(self.visits), name, state_type, scope)
        self.visits.append(visit)
        self.unfinished[visit] = None
        self.home[name] = scope
        return visit

    def named(self, name: str, state_type: str, before: _Place) -> _Visit:
        """The visit of that name which the event after a place belongs to."""
        visit = self.find(name, before)
        if visit is None and before is None and state_type == "Map":
            # What iterates now was most likely entered before the gap.
            visit = self.search(lambda visit: visit.name == name, None)
        # Else its entering is not here, and an unfinished visit of the same name may be another one.
        return visit or self.enter(name, state_type, None)

    def find(self, name: str, before: _Place) -> _Visit | None:
        """The visit of that name around a place, or else an unfinished one; None past a gap."""
        place = before
        while place is not None:
            if isinstance(place, _Scope):
                place = place.container
            elif place.name == name:
                return place
            else:
                place = place.scope
        return None if before is None else self.search(lambda visit: visit.name == name, before)

    def enclosing(self, state_type: str, before: _Place) -> _Visit | None:
        """The innermost Map or Parallel around a place: an open one, else one that a redrive may open again."""
        closed: _Visit | None = None
        place = before
        while place is not None:
            if isinstance(place, _Scope):
                place = place.container
                continue
            if place.type == state_type:
                if place.open:
                    return place
                closed = closed or place
            place = place.scope
        if before is None:
            return None
        return self.search(lambda visit: visit.type == state_type and visit.open, before) or closed

    def unfinished_of(self, state_type: str, before: _Place, redriven: bool) -> _Visit | None:
        """The unfinished visit that a nameless event belongs to when its chain ends outside any of that type."""
        if before is None:
            return None
        if not redriven:
            return self.search(lambda visit: visit.type == state_type, before)
        # A redrive resumes several branches from one event: each next event takes up another visit.
        found = self.search(lambda visit: visit.type == state_type and visit not in self.resumed, before)
        if found:
            self.resumed.add(found)
        return found

    def search(self, fits: Callable[[_Visit], bool], before: _Place) -> _Visit | None:
        """The latest unfinished visit that fits: one inside the place if there is any, else one anywhere."""
        anywhere: _Visit | None = None
        for visit in reversed(self.unfinished):
            if fits(visit):
                if before is None or _is_inside(visit, before):
                    return visit
                anywhere = anywhere or visit
        return anywhere


def _is_inside(visit: _Visit, place: _Scope | _Visit) -> bool:
    around: _Place = visit
    while around is not None and around is not place:
        around = around.container if isinstance(around, _Scope) else around.scope
    return around is not None


def follow(
    types: Sequence[str],
    ids: Sequence[int],
    previous_ids: Sequence[int | None],
    names: Sequence[str | None],
    indexes: Sequence[int | None],
) -> Places:
    """Follow the chain through the events of one execution, given as columns in order of id.

    `names` holds the `name` (or `state`) of an event's own details, `indexes` that of a Map's iteration.
    """
    walk = _Walk()
    root, unfinished = walk.root, walk.unfinished
    places: dict[int | None, _Place] = {0: root, None: root}
    redrives: set[int | None] = set()
    visits: list[int] = []
    scopes: list[int] = []
    lost = 0
    # The loop below runs for every event, so what it compares with is looked up once.
    entered, exited = Kind.ENTERED, Kind.EXITED
    container_started, iteration_started = Kind.CONTAINER_STARTED, Kind.ITERATION_STARTED
    of_state, of_try, of_iteration, of_execution = Group.STATE, Group.TRY, Group.ITERATION, Group.EXECUTION
    readings = {type_name: read(type_name) for type_name in set(types)}
    for type_name, id_, previous, name, index in zip(types, ids, previous_ids, names, indexes, strict=True):
        kind, state_type, group = readings[type_name]
        before = places.get(previous)
        place: _Place
        visit: _Visit | None
        scope: _Scope | None = None
        if group is of_try or (group is of_state and kind is not entered and kind is not exited):
            if before.__class__ is _Visit and before.type == state_type:
                visit = before
            else:
                visit = walk.unfinished_of(state_type, before, previous in redrives)
            place = visit or before
        elif kind is entered and name is not None:
            visit = place = walk.enter(name, state_type, before, previous in redrives)
        elif kind is exited and (name is not None or before.__class__ is _Visit):
            if before.__class__ is _Visit and (name is None or before.name == name):
                visit = before
            else:
                visit = walk.named(str(name), state_type, before)
            unfinished.pop(visit, None)
            visit.open = False
            place = visit.scope
        elif group is of_iteration:
            container = before.container if isinstance(before, _Scope) else before
            if container is not None and container.name == name:
                visit = container
            else:
                visit = walk.named(name, "Map", before) if name is not None else walk.enclosing("Map", before)
            scope = walk.inside(visit, f"[{'?' if index is None else index}]") if visit else None
            if visit and kind is iteration_started:
                visit.open = True
                visit.iteration = scope
            place = scope or before
        elif group is Group.CONTAINER:
            visit = walk.enclosing(state_type, before)
            if visit:
                visit.open = kind is container_started
                visit.iteration = None
            place = visit or before
        elif group is Group.RUN:
            visit = walk.enclosing("Map", before)
            if visit and kind is Kind.RUN_REDRIVEN:
                visit.open = True
            place = visit or before
        elif group is Group.EVALUATION and name is not None:
            visit = place = walk.named(name, "", before)
        elif group is of_execution:
            if kind is Kind.EXECUTION_REDRIVEN:
                redrives.add(id_)
                walk.resumed.clear()
            places[id_] = before
            visits.append(-1)
            scopes.append(0)
            continue
        else:
            found = walk.find(name, before) if name is not None else None
            visit = found or (before if isinstance(before, _Visit) else None)
            place = found or before
        places[id_] = place
        if visit is not None:
            visits.append(visit.index)
            scopes.append((scope or visit.scope).index)
        else:
            lost += before is None
            visits.append(-1)
            scopes.append(
                _NOWHERE if before is None else (before.scope if isinstance(before, _Visit) else before).index
            )
    return Places(
        visits=visits,
        scopes=scopes,
        names=[visit.name for visit in walk.visits],
        numbers=[visit.number for visit in walk.visits],
        branches=[scope.branch for scope in walk.scopes],
        lost=lost,
    )
