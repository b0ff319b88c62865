"""What is cut short when a branch fails: AWS links it to that failure, and does not name its state."""

import pytest

from helpers import engine, history
from helpers.engine import NEVER, TaskFailed

ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"


def branch(name, **fields):
    return {"StartAt": name, "States": {name: {"Type": "Task", "Resource": ARN, "End": True, **fields}}}


def parallel(*branches):
    return {"Type": "Parallel", "Branches": list(branches), "End": True}


def ran(state, tasks):
    run = engine.run({"StartAt": "P", "States": {"P": state}}, tasks=tasks)
    return history.events(run.events)


def aborted(events):
    rows = events[events["type"].str.endswith("Aborted")]
    return list(zip(rows["state"], rows["branch"], strict=True))


def test_each_abort_is_of_a_state_of_its_own():
    tasks = {"A": NEVER, "B": TaskFailed("E", seconds=1), "C": NEVER}
    events = ran(parallel(branch("A"), branch("B"), branch("C")), tasks)
    assert aborted(events) == [("B", "P#1:B"), ("A", "P#1:A"), ("C", "P#1:C")]
    visits = history.visits(events).set_index("state")
    assert visits["status"].to_dict() == {"P": "failed", "A": "aborted", "B": "failed", "C": "aborted"}


def test_what_runs_elsewhere_is_not_aborted():
    inner = {"StartAt": "I", "States": {"I": {**parallel(branch("B"), branch("C")), "Next": "N", "Catch": []}}}
    inner["States"]["I"]["Catch"] = [{"ErrorEquals": ["States.ALL"], "Next": "N"}]
    inner["States"]["N"] = {"Type": "Pass", "End": True}
    del inner["States"]["I"]["End"]
    tasks = {"A": engine.Answer(1, seconds=5), "B": TaskFailed("E", seconds=1), "C": NEVER}
    events = ran(parallel(branch("A"), inner), tasks)
    assert [state for state, _ in aborted(events)] == ["B", "C"]
    visits = history.visits(events).set_index("state")
    assert visits["status"].to_dict() == {
        **{"P": "succeeded", "A": "succeeded", "I": "caught", "B": "caught", "C": "aborted", "N": "succeeded"}
    }


def states(machine, path=()):
    """Each state's name with the Maps and Parallels that it lies in."""
    for name, state in machine["States"].items():
        yield name, path
        for inner in [*state.get("Branches", []), *filter(None, [state.get("ItemProcessor")])]:
            yield from states(inner, (*path, name))


def around(branch):
    return tuple(part.partition("#")[0] for part in branch.split("/")) if branch else ()


BUSY = {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": branch("Wait"), "Next": "Bad"}
BESIDE = {
    "Parallel": parallel({"StartAt": "In", "States": {"In": parallel(branch("Wait"), branch("Rest"))}}, branch("Bad")),
    "Map": {
        "Type": "Map",
        "ItemsPath": "$.each",
        "ItemProcessor": {"StartAt": "In", "States": {"In": BUSY, **branch("Bad")["States"]}},
        "End": True,
    },
}


@pytest.mark.parametrize("kind", BESIDE)
def test_a_parallel_or_map_beside_a_failure_is_aborted_and_not_the_one_around_both(kind):
    """The one around both is run again, and everything in it lies where it lay."""
    state = {**BESIDE[kind], "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}]}
    definition = {"StartAt": "Out", "States": {"Out": state}}
    tasks = {"Bad": TaskFailed("E", seconds=1), "Wait": [1, NEVER, 1, NEVER], "Rest": NEVER}
    given = {"items": [1], "each": [{"items": [1]}, {"items": [1]}]}
    events = history.events(engine.run(definition, given, tasks).events)
    visits, homes = history.visits(events), dict(states(definition))
    assert visits["branch"].map(around).tolist() == visits["state"].map(homes).tolist()
    assert visits.set_index("state").loc["Out", "status"] == "failed"
    assert "In" in set(events.loc[events["type"] == f"{kind}StateAborted", "state"])
