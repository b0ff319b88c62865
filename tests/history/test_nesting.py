"""Random machines of nested Maps, Parallels, loops and retries, run with their branches interleaved."""

import itertools
import random

import pytest

from helpers import history

from .test_events import cells

START = 1767225600


def machine(dice, names, depth=0):
    """A random sequence of states: (type, name, what lies inside)."""
    states = []
    for _ in range(dice.randint(1, 3)):
        kind = dice.choice(["Task", "Wait", "Map", "Parallel"] if depth < 3 else ["Task", "Wait"])
        name = f"{kind}{next(names)}"
        if kind == "Map":
            inside = [machine(dice, names, depth + 1)]
        else:
            inside = [machine(dice, names, depth + 1) for _ in range(dice.randint(1, 3))] if kind == "Parallel" else []
        states.append((kind, name, inside))
    return states


class Run:
    """Runs a machine, and keeps the events with what is true of each."""

    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.events, self.truth, self.counts = [], [], {}
        self.emit("ExecutionStarted", 0, (None, "", None))
        states = machine(self.dice, itertools.count())
        *_, last = itertools.chain([0], self.sequence(states, "", 0))
        self.emit("ExecutionSucceeded", last, (None, "", None))

    def emit(self, kind, previous, place, **details):
        number = len(self.events) + 1
        event = {"id": number, "previousEventId": previous, "type": kind, "timestamp": START + number}
        key = kind[0].lower() + kind[1:]
        for ending in ("Entered", "Exited"):
            if kind.endswith(f"State{ending}"):
                key = f"state{ending}"
        self.events.append({**event, f"{key}EventDetails": details})
        self.truth.append(place)
        return number

    def sequence(self, states, branch, at):
        """Run states one after the other, some twice; yields the id of the latest event of the chain."""
        for kind, name, inside in states * self.dice.choice([1, 1, 2]):
            visit = self.counts[branch, name] = self.counts.get((branch, name), 0) + 1
            place = (name, branch, visit)
            at = self.emit(f"{kind}StateEntered", at, place, name=name)
            yield at
            if kind == "Task":
                for result in ["Failed"] * self.dice.choice([0, 0, 1, 2]) + ["Succeeded"]:
                    for step in ("Scheduled", "Started", result):
                        at = self.emit(f"Task{step}", at, place, resource="invoke")
                        yield at
            elif inside:
                yield from self.hold(kind, place, inside, at)
                at = self.last
                self.emit(f"{kind}StateSucceeded", at, place)
            at = self.emit(f"{kind}StateExited", at, place, name=name)
            yield at

    def hold(self, kind, place, inside, at):
        """Run the iterations or branches of a Map or Parallel at once, starting over after a failure now and then."""
        name, branch, visit = place
        outer = f"{branch}/{name}#{visit}" if branch else f"{name}#{visit}"
        for retried in range(self.dice.choice([1, 1, 1, 2])):
            at = self.emit(f"{kind}StateStarted", at if not retried else self.last, place)
            yield at
            if kind == "Map":
                runs = [
                    self.iteration(inside[0], name, outer, index, visit, at) for index in range(self.dice.randint(1, 4))
                ]
            else:
                runs = [self.sequence(states, f"{outer}:{states[0][1]}", at) for states in inside]
            last = at
            while runs:
                run = self.dice.choice(runs)
                try:
                    last = next(run)
                    yield last
                except StopIteration:
                    runs.remove(run)
            self.last = last

    def iteration(self, states, name, outer, index, visit, at):
        branch = f"{outer}[{index}]"
        at = self.emit("MapIterationStarted", at, (name, branch, visit), name=name, index=index)
        yield at
        for at in self.sequence(states, branch, at):  # noqa: B020
            yield at
        self.emit("MapIterationSucceeded", at, (name, branch, visit), name=name, index=index)


@pytest.mark.parametrize("seed", range(60))
def test_every_event_of_a_random_machine_is_placed(seed):
    run = Run(seed)
    frame = history.events(run.events)
    assert cells(frame, "state", "branch", "visit") == run.truth
    entered = history.visits(frame)
    assert set(entered["status"]) == {"succeeded"}
    exits = {
        (place, event["type"].endswith("Exited")): event["id"]
        for event, place in zip(run.events, run.truth, strict=True)
        if event["type"].endswith(("Entered", "Exited"))
    }
    for visit in entered.itertuples():
        place = (visit.state, visit.branch, visit.visit)
        assert (visit.entered_id, visit.exited_id) == (exits[place, False], exits[place, True])
    scheduled = sum(event["type"] == "TaskScheduled" for event in run.events)
    assert scheduled == len(history.attempts(frame)) == entered["attempts"].sum()
