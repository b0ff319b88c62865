"""Random machines, and what answers their tasks."""

import itertools

from hypothesis import strategies as st

from helpers import engine

ARN = "arn:aws:lambda:us-east-1:123456789012:function:random"
ERRORS = ("Boom", "Oops", "States.Timeout")
JITTERLESS = {"IntervalSeconds": 1, "BackoffRate": 1.5}


def numbered(draw, limits):
    """A name that no other state of the machine has."""
    return f"S{next(limits['names'])}"


@st.composite
def templates(draw):
    """A payload template, which may fail on what it is given."""
    kind = draw(st.integers(0, 5))
    return [
        {"n": 1},
        {"n.$": "$.n"},
        {"whole.$": "$", "n.$": "$.n"},
        {"n.$": "States.MathAdd($.n, 1)"},
        {"n": {"deep.$": "$.n"}},
        {"n.$": "$$.State.Name"},
    ][kind]


@st.composite
def handled(draw, body, names):
    """A state with or without Retry and Catch; `names` are where a Catch may lead."""
    if draw(st.booleans()):
        errors = draw(st.sampled_from([["Boom"], ["States.ALL"], ["States.TaskFailed"], ["Oops"]]))
        body["Retry"] = [{"ErrorEquals": errors, "MaxAttempts": draw(st.integers(0, 2)), **JITTERLESS}]
    if names and draw(st.booleans()):
        body["Catch"] = [
            {
                "ErrorEquals": draw(st.sampled_from([["States.ALL"], ["Boom"], ["Oops"]])),
                "Next": draw(st.sampled_from(names)),
                **draw(st.sampled_from([{}, {"ResultPath": "$.error"}, {"ResultPath": None}])),
            }
        ]
    return body


@st.composite
def state(draw, kind, names, depth, limits):
    """The body of a state without its Next."""
    shaped = draw(
        st.sampled_from([{}, {}, {"ResultPath": "$.r"}, {"ResultPath": None}, {"OutputPath": "$"}, {"InputPath": "$"}])
    )
    if kind == "Pass":
        body = {"Type": "Pass", **shaped}
        if draw(st.booleans()):
            body["Parameters"] = draw(templates())
        elif draw(st.booleans()):
            body["Result"] = draw(st.sampled_from([{"n": 2}, [1, 2], "text", None, 5]))
        if draw(st.booleans()):
            number = next(limits["names"])  # an inner scope assigns no variable of an outer one
            body["Assign"] = {f"v{number}.$": "$", f"w{number}": 1}
        return body
    if kind == "Wait":
        return {"Type": "Wait", "Seconds": draw(st.integers(0, 3))}
    if kind == "Task":
        body = {"Type": "Task", "Resource": ARN, **shaped}
        if draw(st.booleans()):
            body["Parameters"] = draw(templates())
        if draw(st.integers(0, 3)) == 0:
            body["ResultSelector"] = {"n.$": "$.n"}
        return draw(handled(body, names))
    if kind == "Parallel":
        branches = [draw(scope(depth - 1, limits)) for _ in range(draw(st.integers(1, 3)))]
        return draw(handled({"Type": "Parallel", "Branches": branches, **shaped}, names))
    body = {
        "Type": "Map",
        "MaxConcurrency": draw(st.sampled_from([1, 2, 0])),
        "ItemProcessor": draw(scope(depth - 1, limits)),
        **shaped,
    }
    if draw(st.booleans()):
        body["ItemSelector"] = {"n.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index"}
    return draw(handled(body, names))


@st.composite
def scope(draw, depth, limits):
    """StartAt and States: each leads to the next, a Choice or a Catch to any later one."""
    names = [numbered(draw, limits) for _ in range(draw(st.integers(1, 4)))]
    kinds = ["Pass", "Task", "Wait", "Choice", "Fail"] + (limits["nested"] if depth > 0 else [])
    states = {}
    for at, name in enumerate(names):
        later = names[at + 1 :]
        kind = draw(st.sampled_from(kinds))
        if kind == "Choice" and later:
            states[name] = {
                "Type": "Choice",
                "Choices": [
                    {
                        **draw(
                            st.sampled_from(
                                [
                                    {"Variable": "$.n", "IsPresent": True},
                                    {"Variable": "$.n", "NumericGreaterThan": 1},
                                    {"Variable": "$", "IsString": True},
                                ]
                            )
                        ),
                        "Next": draw(st.sampled_from(later)),
                    }
                ],
                **({"Default": later[0]}),
            }
            continue
        if kind == "Fail" and at == len(names) - 1:
            states[name] = {"Type": "Fail", "Error": draw(st.sampled_from(ERRORS)), "Cause": "drawn"}
            continue
        kind = "Pass" if kind in ("Choice", "Fail") else kind
        body = draw(state(kind, later, depth, limits))
        states[name] = {**body, **({"Next": later[0]} if later else {"End": True})}
    return {"StartAt": names[0], "States": _reachable(names[0], states)}


def _reachable(start, states):
    """Without what no way leads to, which AWS refuses."""
    found, waiting = {}, [start]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        body = found[name] = states[name]
        targets = [body.get("Next"), body.get("Default")]
        targets += [rule["Next"] for rule in (*body.get("Choices", ()), *body.get("Catch", ()))]
        waiting += [target for target in targets if target]
    return {name: body for name, body in states.items() if name in found}


@st.composite
def machines(draw, nested=("Parallel", "Map")):
    """A machine of up to three levels."""
    return draw(scope(2, {"names": itertools.count(1), "nested": list(nested)}))


INPUTS = st.sampled_from([{}, {"n": 1}, {"n": 3}, [1, 2, 3], [{"n": 1}, {"n": 2}], {"n": "text"}, 7])


def behaviour(data):
    """What the function does, by what it is given: it fails on some, and takes its time on others."""
    n = data.get("n") if isinstance(data, dict) else data
    if n in (2, "text"):
        raise engine.TaskFailed("Boom", '{"errorMessage":"two","errorType":"Boom","requestId":"1","stackTrace":[]}')
    if n == 3:
        raise engine.TaskFailed("Oops", '{"errorMessage":"three","errorType":"Oops","requestId":"1","stackTrace":[]}')
    return {"n": n if isinstance(n, int) else 0}


def answer(call):
    """A handler: the function's answer."""
    return behaviour(call.parameters)
