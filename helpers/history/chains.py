"""Which state, branch and visit each event belongs to, read off the chain of `previousEventId`.

Branches run at the same time, so the last state seen before an event says nothing; the event that it names as its
previous one does. Each event leaves a *place* behind: the visit it happened in, or, once that visit is exited, the
scope around it. The next event of the chain starts from there.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

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


_Event = tuple[int, int | None, str | None, int | None]
"""What of an event says where it belongs: its id, its previous event's, a state's name, an iteration's index."""
_Found = tuple[_Visit | None, _Scope | None, _Place]
"""The visit that an event belongs to, its scope where that is not the visit's, and the place that it leaves behind."""


class _Walk:
    """What is known of the visits while we follow one execution's chain, and what each kind of event says of them."""

    def __init__(self) -> None:
        self.visits: list[_Visit] = []
        # Visits are distinguished by branch, name and number, even where hostile names make two branches look alike.
        self.counts: dict[str | None, dict[str, int]] = {"": {}, None: {}}
        self.root = _Scope(0, "", self.counts[""])
        self.nowhere = _Scope(_NOWHERE, None, self.counts[None])
        self.scopes = [self.root, self.nowhere]
        self.unfinished: dict[_Visit, None] = {}
        self.home: dict[str, _Scope] = {}
        self.redrives: set[int | None] = set()
        self.resumed: set[_Visit] = set()
        self.aborted: set[_Visit] = set()

    def handler(self, type_name: str) -> Callable[[_Place, _Event], _Found]:
        """What finds the visit of an event of a type, given the place before it."""
        kind, state_type, group = read(type_name)
        if kind is Kind.ENTERED:
            return partial(self.entered, state_type)
        if kind is Kind.EXITED:
            return partial(self.exited, state_type)
        if group is Group.ATTEMPT:
            return partial(self.within, state_type)
        if kind is Kind.STATE_ABORTED:
            return partial(self.cut, state_type)
        if group is Group.ITERATION:
            return partial(self.iterated, kind is Kind.ITERATION_STARTED, kind is Kind.ITERATION_ABORTED)
        if group is Group.CONTAINER:
            return partial(self.contained, state_type, kind)
        if group is Group.RUN:
            return partial(self.ran, kind is Kind.RUN_REDRIVEN)
        if group is Group.EXECUTION:
            return partial(self.executed, kind is Kind.EXECUTION_REDRIVEN)
        return self.evaluated if group is Group.EVALUATION else self.somewhere

    def entered(self, state_type: str, before: _Place, event: _Event) -> _Found:
        _, previous, name, _ = event
        if name is None:
            return self.somewhere(before, event)
        visit = self.enter(name, state_type, before, previous in self.redrives)
        return visit, None, visit

    def exited(self, state_type: str, before: _Place, event: _Event) -> _Found:
        name = event[2]
        if isinstance(before, _Visit) and name in (None, before.name):
            visit = before
        elif name is not None:
            visit = self.named(name, state_type, before)
        else:
            return self.somewhere(before, event)
        self.unfinished.pop(visit, None)
        visit.open = False
        return visit, None, visit.scope

    def within(self, state_type: str, before: _Place, event: _Event) -> _Found:
        """An attempt's event, which does not name its state."""
        if isinstance(before, _Visit) and before.type == state_type:
            return before, None, before
        visit = self.unfinished_of(state_type, before, event[1] in self.redrives)
        return visit, None, visit or before

    def cut(self, state_type: str, before: _Place, event: _Event) -> _Found:
        """The abort of a state, which it does not name: where another branch failed, all are linked to that failure."""
        if before is None:
            return None, None, None
        visit: _Visit | None = before if isinstance(before, _Visit) and before.type == state_type else None
        if visit is None or visit in self.aborted:

            def left(one: _Visit) -> bool:
                return one.type == state_type and one not in self.aborted

            visit = self.beside(left, before) or next(filter(left, self.unfinished), None)
        if visit:
            self.aborted.add(visit)
        return visit, None, visit or before

    def iterated(self, starts: bool, aborts: bool, before: _Place, event: _Event) -> _Found:
        _, _, name, index = event
        container = before.container if isinstance(before, _Scope) else before
        visit: _Visit | None = None
        if aborts:
            visit = self.beside(lambda visit: visit.name == name and visit.open, before)
        if visit is None and container is not None and container.name == name:
            visit = container
        elif visit is None:
            visit = self.named(name, "Map", before) if name is not None else self.enclosing("Map", before)
        if visit is None:
            return None, None, before
        scope = self.inside(visit, f"[{'?' if index is None else index}]")
        if starts:
            visit.open, visit.iteration = True, scope
        return visit, scope, scope

    def contained(self, state_type: str, kind: Kind, before: _Place, _: _Event) -> _Found:
        """What happens to a Map or Parallel as a whole."""
        visit: _Visit | None = None
        if kind is Kind.CONTAINER_ABORTED:
            visit = self.beside(lambda visit: visit.type == state_type and visit.open, before)
        visit = visit or self.enclosing(state_type, before)
        if visit:
            visit.open, visit.iteration = kind is Kind.CONTAINER_STARTED, None
        return visit, None, visit or before

    def ran(self, redriven: bool, before: _Place, _: _Event) -> _Found:
        visit = self.enclosing("Map", before)
        if visit and redriven:
            visit.open = True
        return visit, None, visit or before

    def executed(self, redriven: bool, before: _Place, event: _Event) -> _Found:
        if redriven:
            self.redrives.add(event[0])
            self.resumed.clear()
            self.aborted.clear()
        return None, self.root, before

    def evaluated(self, before: _Place, event: _Event) -> _Found:
        if event[2] is None:
            return self.somewhere(before, event)
        visit = self.named(event[2], "", before)
        return visit, None, visit

    def somewhere(self, before: _Place, event: _Event) -> _Found:
        """An event that says nothing of itself but, perhaps, a name."""
        found = self.find(event[2], before) if event[2] is not None else None
        return found or (before if isinstance(before, _Visit) else None), None, found or before

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
        if before is None:
            return None
        around = (place for place in _around(before) if isinstance(place, _Visit) and place.name == name)
        return next(around, None) or self.search(lambda visit: visit.name == name, before)

    def enclosing(self, state_type: str, before: _Place) -> _Visit | None:
        """The innermost Map or Parallel around a place: an open one, else one that a redrive may open again."""
        if before is None:
            return None
        around = [place for place in _around(before) if isinstance(place, _Visit) and place.type == state_type]
        opened = next((visit for visit in around if visit.open), None)
        opened = opened or self.search(lambda visit: visit.type == state_type and visit.open, before)
        return opened or next(iter(around), None)

    def beside(self, fits: Callable[[_Visit], bool], before: _Place) -> _Visit | None:
        """The first unfinished visit that fits in the Map or Parallel around a place, there the innermost.

        Where a branch failed, the events that abort the other branches are all linked to that failure.
        """
        around = None if before is None else before.container if isinstance(before, _Scope) else before.scope.container
        found = around
        for visit in self.unfinished if found else ():
            if visit is not around and fits(visit) and found and found in _around(visit):
                found = visit
                if visit.scopes is None:
                    break
        return None if found is around else found

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
                if before is None or before in _around(visit):
                    return visit
                anywhere = anywhere or visit
        return anywhere


def _around(place: _Place) -> Iterator[_Scope | _Visit]:
    """A place and those around it, from the inside out."""
    while place is not None:
        yield place
        place = place.container if isinstance(place, _Scope) else place.scope


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
    places: dict[int | None, _Place] = {0: walk.root, None: walk.root}
    visits: list[int] = []
    scopes: list[int] = []
    lost = 0
    handlers = {type_name: walk.handler(type_name) for type_name in set(types)}
    for type_name, event in zip(types, zip(ids, previous_ids, names, indexes, strict=True), strict=True):
        before = places.get(event[1])
        visit, scope, places[event[0]] = handlers[type_name](before, event)
        if visit is None:
            lost += scope is None and before is None
            around = scope or before or walk.nowhere
            scope = around.scope if isinstance(around, _Visit) else around
            visits.append(-1)
            scopes.append(scope.index)
        else:
            visits.append(visit.index)
            scopes.append((scope or visit.scope).index)
    return Places(
        visits=visits,
        scopes=scopes,
        names=[visit.name for visit in walk.visits],
        numbers=[visit.number for visit in walk.visits],
        branches=[scope.branch for scope in walk.scopes],
        lost=lost,
    )
