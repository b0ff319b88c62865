"""Made-up data: an input and an answer for every task, with which a machine runs to a good end."""

from __future__ import annotations

import copy
import itertools
import re
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from helpers import engine
from helpers.definition.walk import State, edges, states
from helpers.engine import Answer, Call, data_of, text_of
from helpers.engine.machine import written
from helpers.errors import DefinitionInvalid, LabError
from helpers.rehearsal.wishes import (
    ABSENT,
    JSONATA,
    JSONPATH,
    LEAVES,
    Exactly,
    Path,
    Wishes,
    aliases,
    chosen,
    parts,
    reads,
)

__all__ = ["MadeUp", "filled", "made_up"]

RUNS = 300  # that are tried at most until one ends well, and again to make the data smaller
EVENTS = 2_000  # of an attempt, which is enough for any loop that its data end
TEXT = "example"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:"
PLACES = {"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": "123456789012"}
PLACEHOLDER = re.compile(r"\$\{([^{}]*)\}")
MISSING = [
    re.compile(r"The JSONPath '([^']+(?:'[^']*'[^']*)*)' specified for the field"),
    re.compile(r"Invalid path '(\$.*?)'\s?:"),
    re.compile(r"does not reference an input value: (\$\S+)"),
    re.compile(r"[Pp]ath field refers to value .* (\$\S+)$"),
]
CODE = re.compile(r"The JSONata expression '(.*)' specified for the field", re.DOTALL)
FUNCTION = re.compile(r"The function '(.*)' had the following error: (.*)", re.DOTALL)
KINDS = [
    ("integer", 1),
    ("number", 1),
    ("numeric", 1),
    ("JSON", "{}"),
    ("array", [1]),
    ("string", TEXT),
    ("oolean", True),
]
TRIED: tuple[Any, ...] = (TEXT, 1, True, [{}], {})  # for what a JSONata expression takes and does not say


class MadeUp:
    """An example that leads a machine to a good end.

    `input` is a JSON value, `answers` holds one by the name of each Task, `tasks` is what `engine.run` takes, which
    also reads a distributed Map's items and writes its results. `definition` is the machine with its placeholders
    filled, `run` how it ran.
    """

    def __init__(self, definition: dict[str, Any], given: Any, answers: dict[str, Any]) -> None:
        self.definition, self.input, self.answers = definition, given, answers
        self.run = engine.run(definition, given, self.tasks, limit=EVENTS)

    def tasks(self, call: Call) -> Any:
        """The answer to a call."""
        answer = self.answers.get(call.state, {})
        if call.kind == "write":
            return {"MapRunArn": TEXT, "ResultWriterDetails": {"Bucket": TEXT, "Key": TEXT}}
        if call.kind == "read":
            return answer if isinstance(answer, list) else [answer]
        return Answer(answer)

    def __repr__(self) -> str:
        return f"<MadeUp: input {text_of(self.input):.200}, {len(self.answers)} answers, {self.run.status}>"


def made_up(definition: Mapping[str, Any] | str) -> MadeUp:
    """An input and answers with which a machine ends well, from its text alone.

    They are derived from the paths that its states read and the rules of its Choices, tried on the engine, corrected
    where a state fails, and made smaller as long as it still ends well. Placeholders are filled by their place. A
    machine that no try leads to a good end comes back with the last try; `run` says how that ended.

    Raises DefinitionInvalid for what is no state machine.
    """
    data = filled(written(definition))
    engine.compiled(data)
    made = _Search(data).found()
    return _smaller(made) if made.run.status == "SUCCEEDED" else made


def filled(text: str) -> dict[str, Any]:
    """A definition's text as data, its placeholders filled: in a Resource with an ARN, elsewhere with their name."""

    def fill(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: fill(one, name) for name, one in value.items()}
        if isinstance(value, list):
            return [fill(one, key) for one in value]
        if not isinstance(value, str) or "${" not in value:
            return value
        if NUMBERS.fullmatch(key) and PLACEHOLDER.fullmatch(value):
            return 1
        named = PLACEHOLDER.sub(lambda found: PLACES.get(found[1], re.sub(r"\W", "-", found[1]) or "x"), value)
        return named if key != "Resource" or named.startswith("arn:") else ARN + named[-60:]

    try:
        found: dict[str, Any] = fill(data_of(text))
    except ValueError as error:
        raise DefinitionInvalid(f"The definition cannot be read. {error}") from None
    return found


STARTS = re.compile(r"start(Sync)?Execution(\.sync(:2)?)?$")
NUMBERS = re.compile(r"(?:Timeout|Heartbeat|Interval)?Seconds|Max\w+|Tolerated\w+|BackoffRate")


class _Search:
    """Tries, each of which knows what the last one failed for."""

    def __init__(self, definition: dict[str, Any]) -> None:
        self._definition = definition
        self._states = {state.name: state for state in states(definition)}
        self._choices = {name: _ranked(state) for name, state in self._states.items() if state.type == "Choice"}
        self._before = {name: set(_feeding(self._states[name])) for name in self._states}
        self._read: dict[Path, Any] = {}
        for state in self._states.values():
            for path, value in reads(state):
                if path and (value is not None or path not in self._read):
                    self._read[path] = value
        self._aliases = {alias for state in self._states.values() for alias in aliases(state)}
        self._mended: Wishes = {}
        self._lists: set[str] = set()  # whose answer is a list; "" for the input
        self._tried: dict[Path, int] = {}
        self._attempted: set[str] = set()

    def found(self) -> MadeUp:
        """The first try that ends well, or the last."""
        waiting: deque[dict[str, int]] = deque([{}])
        seen: set[tuple[tuple[str, int], ...]] = set()
        made, left = None, RUNS
        while waiting and left > 0:
            places = waiting.popleft()
            self._mended, self._lists, self._tried = {}, set(), {}
            for _ in range(40):
                left -= 1
                made = self._made(places)
                if made.run.status == "SUCCEEDED" or left <= 0 or not self._mend(made):
                    break
            assert made
            if made.run.status == "SUCCEEDED":
                return made
            passed = _entered(made)
            for name in reversed([one for one in self._choices if one in passed]):
                for place in range(len(self._choices[name])):
                    other = {**places, name: place}
                    key = tuple(sorted(other.items()))
                    if key not in seen:
                        seen.add(key)
                        waiting.append(other)
        assert made
        return made

    def _made(self, places: dict[str, int]) -> MadeUp:
        common: Wishes = dict.fromkeys(self._read)
        common.update({path: value for path, value in self._read.items() if value is not None})
        own: dict[str, Wishes] = {}
        for name, ranked in self._choices.items():
            if not ranked:
                continue
            wishes = self._traced(chosen(self._states[name], ranked[places.get(name, 0) % len(ranked)]))
            for path, value in wishes.items():
                if (path and not isinstance(common.get(path), Exactly)) or name in places:
                    common[path] = value
            for source in self._before[name]:
                known = own.get(source, {})
                own[source] = {**known, **wishes} if name in places else {**wishes, **known}
        common.update(self._mended)
        answers = {}
        for name, state in self._states.items():
            resource = str(state.body.get("Resource", ""))
            if state.type == "Task" or (state.type == "Map" and "ItemReader" in state.body):
                answer = _document({**common, **own.get(name, {}), **self._mended})
                answer = [answer] if name in self._lists else answer
                answers[name] = _wrapped(resource, answer)
        given = _document({**common, **own.get("", {}), **self._mended})
        return MadeUp(self._definition, [given] if "" in self._lists else given, answers)

    def _traced(self, wishes: Wishes) -> Wishes:
        """Wishes with those that come to the same, where a state gives a value another name."""
        found = dict(wishes)
        for _ in range(3):
            for path, value in list(found.items()):
                for key, source in self._aliases:
                    if key in path and isinstance(value, Exactly) and path[: len(source)] != source:
                        found.setdefault((*source, *path[path.index(key) + 1 :]), value)
        return found

    def _mend(self, made: MadeUp) -> bool:
        """Change the data so that they do not fail for the same; whether there was something to change."""
        run = made.run
        cause, last = str(run.cause), _last(made)
        key = f"{last} {cause[:300]} {len(self._mended)} {sum(self._tried.values())}"
        if run.status != "FAILED" or key in self._attempted:
            return False
        self._attempted.add(key)
        if "must point to array" in cause or "must be an array" in cause or "non-iterable" in cause:
            return self._listed(last, cause)
        if function := FUNCTION.search(cause):
            paths = [parts(one) for one in JSONPATH.findall(function[1]) if not one.startswith("$$")]
            value = next((value for word, value in KINDS if word in function[2]), None)
            return self._set({path: value for path in paths if path})
        if code := CODE.search(cause):
            return self._coded(code[1], cause)
        for pattern in MISSING:
            if (found := pattern.search(cause)) and (path := parts(found[1])):
                value = 1 if "integer" in cause or "long value" in cause else None
                return self._set({path: value})
        return False

    def _set(self, wishes: Wishes) -> bool:
        for path, value in wishes.items():
            self._mended[path] = value if value is None else Exactly(value)
        return bool(wishes)

    def _coded(self, code: str, cause: str) -> bool:
        """Other values for what an expression takes: of the kind that it says, or of one kind after the other."""
        paths = [parts("$" + (one or other).replace("`", "")) for one, other in JSONATA.findall(code)]
        value = next((value for word, value in KINDS if word in cause.rpartition("evaluation.")[2]), None)
        wishes: Wishes = {}
        for path in paths:
            place = self._tried[path] = self._tried.get(path, -1) + 1
            if value is not None and place == 0:
                wishes[path] = value
            elif place < len(TRIED):
                wishes[path] = TRIED[place]
        return self._set(wishes)

    def _listed(self, last: str, cause: str) -> bool:
        """Make what a Map goes through a list."""
        state = self._states.get(last)
        path = parts(str(state.body.get("ItemsPath", "$"))) if state else ()
        if state and isinstance(state.body.get("Items"), str):
            found = JSONATA.findall(state.body["Items"])
            path = parts("$" + (found[0][0] or found[0][1])) if found else ()
        if path:
            return self._set({path: [{}]})
        sources = self._before.get(last, {""}) or {""}
        new = sources - self._lists
        self._lists |= sources
        return bool(new)


def _ranked(state: State) -> list[int | None]:
    """The ways out of a Choice, those first that come soonest to a good end; None is the Default."""
    ends = {name: 0 for name, one in state.scope.states.items() if one.ends and one.type != "Fail"}
    waiting = deque(ends)
    ways = [edge for one in state.scope.states.values() for edge in edges(one) if edge.kind not in ("catch", "retry")]
    while waiting:
        target = waiting.popleft()
        for edge in ways:
            if edge.target == target and edge.source not in ends:
                ends[edge.source] = ends[target] + 1
                waiting.append(edge.source)
    out: list[tuple[int, int, int | None]] = []
    rules = [rule for rule in state.body.get("Choices", []) if isinstance(rule, dict)]
    for index, rule in enumerate(rules):
        out.append((ends.get(str(rule.get("Next")), 999), index, index))
    if isinstance(state.body.get("Default"), str):
        out.append((ends.get(state.body["Default"], 999), len(rules), None))
    return [place for _, _, place in sorted(out, key=lambda one: one[:2])]


def _feeding(state: State) -> Iterator[str]:
    """The tasks whose answer may be what a state gets, and "" where the input may."""
    seen: set[str] = set()
    waiting = deque([state])
    while waiting:
        at = waiting.popleft()
        before = [
            one
            for one in at.scope.states.values()
            for edge in edges(one)
            if edge.target == at.name and edge.kind != "retry"
        ]
        if at.scope.start == at.name:
            owner = at.scope.owner
            if owner is None:
                yield ""
            elif owner.name not in seen:
                seen.add(owner.name)
                waiting.append(owner)
        for one in before:
            if one.name in seen:
                continue
            seen.add(one.name)
            if one.type == "Task" or (one.type == "Map" and "ItemReader" in one.body):
                yield one.name
            else:
                waiting.append(one)


def _document(wishes: Wishes) -> Any:
    """Data in which every path that is wished for leads to its value, also without its first steps."""
    if isinstance(wishes.get(()), Exactly):
        return wishes[()].value
    found: dict[str, Any] = {}
    exact = [(path, value) for path, value in wishes.items() if isinstance(value, Exactly)]
    rest = [(path, value) for path, value in wishes.items() if path and not isinstance(value, Exactly)]
    for path, value in [*exact, *rest]:
        for start in range(1, len(path)):
            if value is not ABSENT and isinstance(path[start], str) and isinstance(value, Exactly):
                _put(found, path[start:], value, False)
    for path, value in [*exact, *rest]:
        _put(found, path, value, isinstance(value, Exactly))
    for path, _ in rest:
        for start in range(1, len(path)):
            if isinstance(path[start], str):
                _put(found, path[start:], None, False)
    for path, value in rest:
        if value is ABSENT:
            _remove(found, path)
    return found


def _put(data: Any, path: Path, value: Any, whole: bool) -> None:
    for step, following in itertools.pairwise(path):
        empty: Any = [] if isinstance(following, int) else {}
        if isinstance(step, int):
            if not isinstance(data, list):
                return
            while len(data) <= min(step, 9):
                data.append(copy.deepcopy(empty))
            if not isinstance(data[min(step, 9)], type(empty)):
                data[min(step, 9)] = empty
            data = data[min(step, 9)]
        elif isinstance(data, dict):
            if not isinstance(data.get(step), type(empty)):
                data[step] = empty
            data = data[step]
        else:
            return
    last = path[-1]
    leaf = (
        value.value
        if isinstance(value, Exactly)
        else LEAVES.get(str(last), TEXT)
        if value is None or value is ABSENT
        else value
    )
    if isinstance(data, list) and isinstance(last, int):
        while len(data) <= min(last, 9):
            data.append(copy.deepcopy(leaf))
    elif isinstance(data, dict) and isinstance(last, str) and (last not in data or whole):
        data[last] = copy.deepcopy(leaf)


def _remove(data: Any, path: Path) -> None:
    for step in path[:-1]:
        data = data.get(step) if isinstance(data, dict) else None
    if isinstance(data, dict):
        data.pop(path[-1], None)


def _wrapped(resource: str, answer: Any) -> Any:
    """An answer as the service gives it."""
    if ":states:::lambda:invoke" in resource and isinstance(answer, dict | list):
        inner = (
            {name: value for name, value in answer.items() if name != "Payload"} if isinstance(answer, dict) else answer
        )
        own = answer.get("Payload") if isinstance(answer, dict) else None
        payload = {**own, **inner} if isinstance(own, dict) and isinstance(inner, dict) else inner
        return (
            payload
            if resource.endswith("waitForTaskToken")
            else {"ExecutedVersion": "$LATEST", "Payload": payload, "StatusCode": 200}
        )
    if STARTS.search(resource) and isinstance(answer, dict):
        output = answer if resource.endswith(":2") else text_of(answer)  # a child's output, as the service gives it
        return {**answer, "Output": output, "Status": "SUCCEEDED"}
    return answer


def _entered(made: MadeUp) -> set[str]:
    return {
        event["stateEnteredEventDetails"]["name"]
        for run in (made.run, *made.run.children)
        for event in run.events
        if "stateEnteredEventDetails" in event
    }


def _last(made: MadeUp) -> str:
    named = re.search(r"the state '(.+?)' \(entered at", str(made.run.cause))
    if named:
        return named[1]
    for event in reversed(made.run.events):
        if "stateEnteredEventDetails" in event:
            return str(event["stateEnteredEventDetails"]["name"])
    return ""


def _smaller(made: MadeUp) -> MadeUp:
    """The same with less in it, as long as it still ends well."""
    left = RUNS
    data: dict[str, Any] = {"": made.input, **made.answers}

    def ends_well() -> bool:
        nonlocal left
        left -= 1
        try:
            answers = {name: value for name, value in data.items() if name}
            return MadeUp(made.definition, data[""], answers).run.status == "SUCCEEDED"
        except LabError:
            return False

    def shrink(holder: Any, key: Any, keep: bool) -> None:
        value = holder[key]
        if left <= 0 or value in ({}, TEXT):
            return
        simple: list[Any] = ([{}] if keep else []) + ([TEXT] if isinstance(value, dict) and not keep else [])
        for simpler in simple:
            holder[key] = simpler
            if ends_well():
                return
        holder[key] = value
        if isinstance(value, dict):
            for name in list(value):
                if left <= 0:
                    return
                removed = value.pop(name)
                if not ends_well():
                    value[name] = removed
                    shrink(value, name, False)
        elif isinstance(value, list):
            for index in range(len(value)):
                shrink(value, index, False)

    for name in data:
        data[name] = copy.deepcopy(data[name])
        shrink(data, name, True)
    return MadeUp(made.definition, data[""], {name: value for name, value in data.items() if name})
