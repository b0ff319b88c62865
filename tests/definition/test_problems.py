"""What a reader of definitions finds, and what it leaves in peace."""

from __future__ import annotations

import random
from typing import Any

import pytest

from helpers import engine
from helpers.definition import load, problems, states
from helpers.definition.loops import events_of
from tests.definition.machines import (
    FUNCTION,
    INVOKE,
    RETRIED,
    SAMPLES,
    choice,
    equals,
    job_poller,
    machine,
    task,
    wait,
)

DONE = {"Type": "Succeed"}


def kinds(definition: object) -> set[str]:
    return {found.kind for found in problems(definition)}


def only(definition: object, kind: str) -> Any:
    found = [problem for problem in problems(definition) if problem.kind == kind]
    assert len(found) == 1, problems(definition)
    return found[0]


def polling(ask: dict[str, Any], check: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Start -> Pause -> Ask -> Check, which goes to Done or back to Pause."""
    return machine(
        "Start",
        {"Start": task("Pause", Retry=RETRIED), "Pause": wait("Ask"), "Ask": ask, "Check": check, "Done": DONE},
        **fields,
    )


def test_article_loop_is_endless_and_says_why():
    found = only(load("busy_wait"), "endless-loop")
    assert found.states == ("WaitforInvocation", "CheckInvocationsStatus")
    assert found.variables == ("$.status",)
    assert "$.status" in found.message
    assert "6,248 turns" in found.message
    assert "3.5 h" in found.message


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        ("{% $states.input %}", "endless-loop"),
        ({"go": "{% $states.input.go %}"}, "endless-loop"),
        ({"go": "off"}, "endless-loop"),
        ({"go": "{% $states.errorOutput.Error %}"}, "unbounded-polling"),
        (None, "unbounded-polling"),
    ],
)
def test_what_a_catcher_in_jsonata_hands_on_may_be_the_same_each_turn(output, kind):
    catcher = {"ErrorEquals": ["States.ALL"], "Next": "Check", **({} if output is None else {"Output": output})}
    ask = {**task("Check", Retry=RETRIED), "Output": "{% $states.input %}", "Catch": [catcher]}
    ask["Arguments"] = ask.pop("Parameters", {})
    check = {"Type": "Choice", "Default": "Pause"}
    check["Choices"] = [{"Condition": "{% $states.input.go = 'on' %}", "Next": "Done"}]
    states = {"Pause": wait("Ask"), "Ask": ask, "Check": check, "Done": DONE}
    assert [found.kind for found in problems(machine("Ask", states, QueryLanguage="JSONata"))] == [kind]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [({"of": "job"}, {"unbounded-polling"}), ({"of": "{% $states.input.job %}"}, set()), (None, set())],
)
def test_without_a_wait_a_task_in_jsonata_may_count_where_it_is_given_what_was_there_before(arguments, found):
    check = {"Type": "Choice", "Choices": [{"Condition": "{% $states.input.done %}", "Next": "Done"}], "Default": "Ask"}
    ask = {**task("Check", Retry=RETRIED), **({} if arguments is None else {"Arguments": arguments})}
    definition = machine("Ask", {"Ask": ask, "Check": check, "Done": DONE}, QueryLanguage="JSONata")
    assert kinds(definition) == found


def rule(*parts: tuple[str, str]) -> dict[str, Any]:
    return {"Or": [{"Variable": variable, "StringEquals": value} for variable, value in parts], "Next": "Done"}


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        ([rule(("$.status", "done"), ("$.status", "over"))], {"endless-loop"}),
        ([rule(("$.status", "done"), ("$.poll", "over"))], {"unbounded-polling"}),
    ],
)
def test_an_or_is_false_only_where_all_its_parts_are(rules, found):
    says = {"Type": "Pass", "Result": {"status": "pending"}, "ResultPath": "$", "Next": "Look"}
    states = {"Say": says, "Look": task("Check", ResultPath="$.poll", Retry=RETRIED), "Check": choice(rules, "Pause")}
    assert kinds(machine("Say", {**states, "Pause": wait("Say"), "Done": DONE})) == found


def test_a_field_of_a_variable_is_not_the_one_beside_it():
    ask = {**task("Check", ResultPath=None, Retry=RETRIED), "Assign": {"job": {"asked.$": "$.at"}}}
    assert kinds(polling(ask, choice([equals("$job.status", "success", "Done")], "Pause"))) == {"endless-loop"}
    ask["Assign"] = {"job": {"status.$": "$.status"}}
    assert kinds(polling(ask, choice([equals("$job.status", "success", "Done")], "Pause"))) == {"unbounded-polling"}


def test_a_placeholder_may_stand_for_any_text():
    when = {"Type": "Wait", "Timestamp": "${When}", "Next": "Done"}
    assert problems(machine("A", {"A": when, "Done": DONE})) == []


@pytest.mark.parametrize("name", SAMPLES)
def test_sound_machines_are_left_in_peace(name):
    assert problems(SAMPLES[name]()) == []


def test_job_poller_asks_again_but_has_no_bound():
    assert kinds(job_poller()) == {"unbounded-polling"}
    assert problems(job_poller(TimeoutSeconds=3600)) == []


STATUS = [equals("$.status", "success", "Done")]
ENDLESS = {
    "the answer is thrown away": (task("Check", ResultPath=None), choice(STATUS, "Pause")),
    "the answer is put elsewhere": (task("Check", ResultPath="$.poll"), choice(STATUS, "Pause")),
    "another field is looked at": (
        task("Check", ResultPath="$.poll"),
        choice([equals("$.job.s", "x", "Done")], "Pause"),
    ),
    "a Pass copies what stands still": (
        {"Type": "Pass", "Parameters": {"status.$": "$.status", "n.$": "States.MathAdd($.n, 1)"}, "Next": "Check"},
        choice(STATUS, "Pause"),
    ),
    "a Pass passes everything": ({"Type": "Pass", "Next": "Check"}, choice(STATUS, "Pause")),
    "a failure is caught, but outside": (
        task("Check", ResultPath="$.poll", Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Done"}]),
        choice(STATUS, "Pause"),
    ),
    "a variable that is never assigned again": (
        task("Check", ResultPath="$.poll", Assign={"other.$": "$.x"}),
        choice([equals("$status", "success", "Done")], "Pause"),
    ),
    "a Pass says the same each turn": (
        {"Type": "Pass", "Result": {"status": "RUNNING"}, "Next": "Check"},
        choice(STATUS, "Pause"),
    ),
    "a variable is given the same each turn": (
        task("Check", ResultPath="$.poll", Assign={"status": "RUNNING"}),
        choice([equals("$status", "success", "Done")], "Pause"),
    ),
    "a variable is given what stands still": (
        {"Type": "Pass", "Assign": {"status.$": "$.first"}, "Next": "Check"},
        choice([equals("$status", "success", "Done")], "Pause"),
    ),
    "within And, Or and Not": (
        task("Check", ResultPath="$.poll"),
        choice(
            [
                {
                    "And": [
                        {"Not": {"Variable": "$.status", "StringEquals": "RUNNING"}},
                        {"Or": [{"Variable": "$.a", "IsPresent": True}, {"Variable": "$.b", "IsNull": False}]},
                    ],
                    "Next": "Done",
                }
            ],
            "Pause",
        ),
    ),
}


@pytest.mark.parametrize("why", ENDLESS)
def test_endless_in_jsonpath(why):
    ask, check = ENDLESS[why]
    found = only(polling(ask, check), "endless-loop")
    assert set(found.states) == {"Pause", "Ask", "Check"}
    assert all(variable in found.message for variable in found.variables)


CHANGING = {
    "the answer replaces everything": (task("Check"), choice(STATUS, "Pause")),
    "the answer lands where it is looked at": (task("Check", ResultPath="$.status"), choice(STATUS, "Pause")),
    "the answer lands above": (task("Check", ResultPath="$.poll"), choice([equals("$.poll.s", "x", "Done")], "Pause")),
    "OutputPath brings it up": (
        task("Check", ResultPath="$.poll", OutputPath="$.poll"),
        choice(STATUS, "Pause"),
    ),
    "InputPath of the Choice reads it": (
        task("Check", ResultPath="$.poll"),
        choice(STATUS, "Pause", InputPath="$.poll"),
    ),
    "assigned from the result": (
        task("Check", ResultPath=None, Assign={"status.$": "$.Payload.status"}),
        choice([equals("$status", "success", "Done")], "Pause"),
    ),
    "a Pass counts": (
        {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "Check"},
        choice([{"Variable": "$.n", "NumericGreaterThan": 9, "Next": "Done"}], "Pause"),
    ),
    "a Pass says what ends it": (
        {"Type": "Pass", "Result": {"status": "success"}, "Next": "Check"},
        choice(STATUS, "Pause"),
    ),
    "a Pass says something, and another thing decides too": (
        {"Type": "Pass", "Result": "RUNNING", "ResultPath": "$.status", "Next": "Check"},
        choice([*STATUS, {"Variable": "$.n", "NumericGreaterThan": 3, "Next": "Done"}], "Pause"),
    ),
    "the time is looked at": (
        task("Check", ResultPath=None),
        choice(
            [{"Variable": "$$.State.EnteredTime", "TimestampGreaterThanPath": "$.deadline", "Next": "Done"}], "Pause"
        ),
    ),
    "one of two Choices sees the change": (
        task("Which", ResultPath="$.status"),
        choice(STATUS, "Pause"),
    ),
    "a failure is the way out": (
        task("Check", ResultPath=None, Catch=[{"ErrorEquals": ["NoMore"], "Next": "Done"}]),
        choice([equals("$.mode", "slow", "Pause")], "Ask"),
    ),
}


@pytest.mark.parametrize("why", CHANGING)
def test_not_endless_in_jsonpath(why):
    ask, check = CHANGING[why]
    definition = polling(ask, check)
    if ask["Next"] == "Which":
        definition["States"]["Which"] = choice([equals("$.mode", "careful", "Think")], "Check")
        definition["States"]["Think"] = wait("Check")
    assert "endless-loop" not in kinds(definition)


def jsonata(assign: dict[str, Any] | None, condition: str, **ask: Any) -> dict[str, Any]:
    fields = {"Assign": assign} if assign else {}
    check = choice([{"Condition": "{% " + condition + " %}", "Next": "Done"}], "Pause")
    return polling(task("Check", **fields, **ask), check, QueryLanguage="JSONata")


@pytest.mark.parametrize(
    ("assign", "condition", "ask", "variable"),
    [
        (None, "$status = 'success'", {}, "$status"),
        (None, "$lowercase($status) = 'success'", {}, "$status"),
        (None, "($word := 'success'; $status = $word)", {}, "$status"),
        ({"status": "RUNNING"}, "$status = 'success'", {}, "$status"),
        ({"other": "{% $states.result.s %}"}, "$status = 'success'", {}, "$status"),
        ({"status": "{% $first %}"}, "$status = 'success'", {}, "$status"),
        (None, "$states.input.status = 'x'", {"Output": "{% $states.input %}"}, "$states.input.status"),
        (None, "$job.status = 'x'", {"Output": {"job": "{% $states.result %}"}}, "$job.status"),
    ],
)
def test_endless_in_jsonata(assign, condition, ask, variable):
    assert only(jsonata(assign, condition, **ask), "endless-loop").variables == (variable,)


@pytest.mark.parametrize(
    ("assign", "condition", "ask"),
    [
        (None, "$states.input.status = 'success'", {}),
        ({"status": "{% $states.result.Payload.status %}"}, "$status = 'success'", {}),
        ({"n": "{% $n + 1 %}"}, "$n > 5", {}),
        (None, "$millis() > $deadline", {}),
        ({"status": "success"}, "$status = 'success'", {}),
        ({"tries": 3}, "$tries > 2", {}),
        (None, "$states.context.State.EnteredTime > $deadline", {}),
        (None, "$states.input.poll.s = 'x'", {"Output": "{% $merge([$states.input, {'poll': $states.result}]) %}"}),
    ],
)
def test_not_endless_in_jsonata(assign, condition, ask):
    assert "endless-loop" not in kinds(jsonata(assign, condition, **ask))


def test_a_name_in_a_text_of_jsonata_is_no_variable():
    found = only(jsonata({"n": "{% '$status' %}"}, "$status = '$n'"), "endless-loop")
    assert found.variables == ("$status",)


def test_endless_inside_a_branch_and_a_map():
    inner = machine("Pause", {"Pause": wait("Check"), "Check": choice(STATUS, "Pause"), "Done": DONE})
    for outer in (
        {"Type": "Parallel", "Branches": [inner], "End": True},
        {"Type": "Map", "ItemProcessor": inner, "End": True},
        {"Type": "Map", "Iterator": inner, "End": True},
    ):
        assert only(machine("Outer", {"Outer": outer}), "endless-loop").states == ("Pause", "Check")


def test_a_short_loop_beside_a_sound_one_is_found():
    rules = [equals("$.status", "success", "Done"), equals("$.status", "again", "Ask")]
    definition = machine(
        "Ask", {"Ask": task("Pause"), "Pause": wait("Check"), "Check": choice(rules, "Pause"), "Done": DONE}
    )
    assert only(definition, "endless-loop").states == ("Pause", "Check")


STILL = {"Type": "Pass", "Next": "Check"}
LATER = {
    "the Choice itself assigns it": choice(
        [equals("$seen", "success", "Done")], "Pause", Assign={"seen.$": "$.status"}
    ),
    "the Choice itself assigns a text of an expression": choice(
        [{"Condition": "{% $seen = 'success' %}", "Next": "Done"}],
        "Pause",
        Assign={"seen": "{% 'success' %}"},
        QueryLanguage="JSONata",
    ),
    "a function says what is written there": choice(
        [equals("$seen", "success", "Done")], "Pause", Assign={"seen.$": "States.Format('success')"}
    ),
    "a state before it assigns it from what is assigned after that": choice(
        [equals("$seen", "success", "Done")], "Pause", Assign={"kept.$": "$.status"}
    ),
}


@pytest.mark.parametrize("how", LATER)
def test_what_comes_behind_a_choice_is_seen_by_it_a_turn_later(how):
    """The first time round it may be another: an execution of each of these ends at the second turn."""
    ask = {**STILL, "Assign": {"seen.$": "$kept"}} if "before" in how else STILL
    definition = polling(ask, LATER[how])
    start = definition["StartAt"]
    begin = {"Type": "Pass", "Assign": {"seen": "no", "kept": "no"}, "Next": start}
    definition |= {"StartAt": "Begin", "States": {"Begin": begin, **definition["States"]}}
    run = engine.run(definition, {}, {"Start": {"status": "success"}}, limit=100)
    assert (run.status, sum(event["type"] == "ChoiceStateEntered" for event in run.events)) == ("SUCCEEDED", 2)
    assert "endless-loop" not in kinds(definition)


def test_all_that_a_value_is_made_of_is_followed():
    keeps = {"a.$": "$.a", "b.$": "$.b"}
    states = {
        "Ask": task("Copy", ResultPath="$.b", Retry=RETRIED),
        "Copy": {"Type": "Pass", "Parameters": {"x.$": "$.a", **keeps}, "Next": "Make"},
        "Make": {"Type": "Pass", "Parameters": {"x.$": "States.Format('{}{}', $.a, $.b)", **keeps}, "Next": "Check"},
        "Check": choice([equals("$.x", "success", "Done")], "Pause"),
        "Pause": wait("Ask"),
        "Done": DONE,
    }
    assert kinds(machine("Ask", states)) == {"unbounded-polling"}


UNWRAPPED = {
    "by an OutputPath": machine(
        "Pause",
        {
            "Pause": wait("Check"),
            "Check": choice([equals("$.job.n", "a", "Done")], "Pause", OutputPath="$.job"),
            "Done": DONE,
        },
    ),
    "by an Output": machine(
        "Say",
        {
            "Say": {"Type": "Pass", "Output": {"status": None}, "Next": "Check"},
            "Check": choice(
                [{"Condition": "{% $states.input.n = 1 %}", "Next": "Done"}], "Say", Output="{% $states.input.job %}"
            ),
            "Done": DONE,
        },
        QueryLanguage="JSONata",
    ),
    "by a variable": machine(
        "Take",
        {
            "Take": {"Type": "Pass", "Assign": {"job.$": "$job.next"}, "Next": "Check"},
            "Check": choice([equals("$job.name", "a", "Done")], "Take"),
            "Done": DONE,
        },
    ),
}


@pytest.mark.parametrize("how", UNWRAPPED)
def test_what_is_taken_out_of_itself_each_turn_changes(how):
    """A place that comes from an ever deeper one is looked after no further: it took a minute, and was "too deep"."""
    assert kinds(UNWRAPPED[how]) <= {"unbounded-polling"}


def test_unbounded_polling_and_its_cures():
    check = choice(STATUS, "Pause")
    loose = polling(task("Check", ResultPath="$.status", Retry=RETRIED), check)
    assert set(only(loose, "unbounded-polling").states) == {"Pause", "Ask", "Check"}
    assert "2,777 turns" in only(loose, "unbounded-polling").message
    assert problems(loose | {"TimeoutSeconds": 600}) == []
    counted = polling(
        task("Check", ResultPath="$.status", Retry=RETRIED, Assign={"n.$": "States.MathAdd($n, 1)"}),
        choice([*STATUS, {"Variable": "$n", "NumericGreaterThanEquals": 20, "Next": "Done"}], "Pause"),
    )
    assert "unbounded-polling" not in kinds(counted)


def test_a_list_that_is_worked_off_bounds_the_loop_that_looks_at_its_length():
    rest = {"list.$": "$.list[1:]", "left.$": "States.ArrayLength($.list)"}
    empty = choice([{"Variable": "$.left", "NumericLessThan": 1, "Next": "Done"}], "Pause")
    assert kinds(polling({"Type": "Pass", "Parameters": rest, "Next": "Check"}, empty)) == set()
    ever = {"list.$": "$.list", "left.$": "States.ArrayLength($.other)", "other.$": "$$.State.EnteredTime"}
    assert "unbounded-polling" in kinds(polling({"Type": "Pass", "Parameters": ever, "Next": "Check"}, empty))


def test_a_loop_that_only_an_error_ends_is_unbounded_and_one_that_nothing_ends_has_no_way_out():
    ask = task("Pause", Retry=RETRIED, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Done"}])
    assert kinds(machine("Pause", {"Pause": wait("Ask"), "Ask": ask, "Done": DONE})) == {"unbounded-polling"}
    first = choice([equals("$.way", "out", "Done")], "Pause")
    round_and_round = {"First": first, "Pause": wait("Turn"), "Turn": {"Type": "Pass", "Next": "Pause"}, "Done": DONE}
    assert kinds(machine("First", round_and_round)) == {"no-way-out"}


def test_history_limit_within_the_time():
    ask, check = task("Check", ResultPath="$.status", Retry=RETRIED), choice(STATUS, "Pause")
    # 2,777 turns of 2 s are 5,554 s.
    assert problems(polling(ask, check, TimeoutSeconds=5_500)) == []
    found = only(polling(ask, check, TimeoutSeconds=6_000), "history-limit")
    assert "9 events" in found.message


def test_history_limit_by_count():
    def counted(most: int) -> dict[str, Any]:
        count = {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "Check"}
        return polling(count, choice([{"Variable": "$.n", "NumericGreaterThan": most, "Next": "Done"}], "Pause"))

    assert "history-limit" not in kinds(counted(4_000))
    assert "history-limit" in kinds(counted(5_000))


PASSING = {"StartAt": "Inside", "States": {"Inside": {"Type": "Pass", "End": True}}}
CHILD = {**PASSING, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Pass", "End": True},
        {"Type": "Wait", "Seconds": 1, "End": True},
        {"Type": "Succeed"},
        {"Type": "Fail"},
        {"Type": "Task", "Resource": FUNCTION, "End": True},
        {"Type": "Task", "Resource": INVOKE, "End": True},
        {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync", "End": True},
        {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "End": True},
        {"Type": "Parallel", "Branches": [PASSING, {"StartAt": "Too", "States": {"Too": DONE}}], "End": True},
        {"Type": "Map", "ItemProcessor": PASSING, "End": True},
        {"Type": "Map", "ItemProcessor": CHILD, "End": True},
    ],
    ids=lambda state: state.get("Resource", state["Type"]),
)
def test_a_state_writes_as_many_events_as_are_counted_for_it(state):
    definition = machine("Only", {"Only": state})
    events = engine.run(definition, [1], tasks={"Only": {}}).events
    assert events_of(next(states(definition))) == len(events) - 2  # the execution's own start and end


def test_history_limit_by_retry():
    def retried(**fields: Any) -> dict[str, Any]:
        return machine("Ask", {"Ask": task(Retry=[{"ErrorEquals": ["States.ALL"], **fields}])})

    assert "history-limit" in kinds(retried(MaxAttempts=99_999, IntervalSeconds=1, BackoffRate=1))
    assert problems(retried(MaxAttempts=99_999, IntervalSeconds=1, BackoffRate=2)) == []
    assert problems(retried(MaxAttempts=8_000, IntervalSeconds=1, BackoffRate=1)) == []


@pytest.mark.parametrize(
    ("resource", "fields", "found"),
    [
        ("arn:aws:states:::sqs:sendMessage.waitForTaskToken", {}, True),
        ("arn:aws:states:::sqs:sendMessage.waitForTaskToken", {"HeartbeatSeconds": 60}, False),
        ("arn:aws:states:::sqs:sendMessage.waitForTaskToken", {"TimeoutSecondsPath": "$.t"}, False),
        ("arn:aws:states:us-east-1:123456789012:activity:paint", {}, True),
        ("arn:aws:states:::ecs:runTask.sync", {}, True),
        ("arn:aws:states:::states:startExecution.sync:2", {}, True),
        ("arn:aws:states:::athena:startQueryExecution.sync", {}, False),
        (INVOKE, {}, False),
        (FUNCTION, {}, False),
    ],
)
def test_a_task_that_can_hang(resource, fields, found):
    definition = machine("Do", {"Do": task(**fields) | {"Resource": resource}})
    assert ("no-timeout" in kinds(definition)) is found
    assert "no-timeout" not in kinds(definition | {"TimeoutSeconds": 60})


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException"], True),
        (["NotReady"], True),
        (["States.TaskFailed"], False),
        (["Lambda.ServiceException", "Lambda.TooManyRequestsException"], False),
    ],
)
@pytest.mark.parametrize("resource", [INVOKE, FUNCTION])
def test_retry_that_forgets_throttling(resource, names, found):
    definition = machine("Do", {"Do": task(Retry=[{"ErrorEquals": names}]) | {"Resource": resource}})
    assert ("retry-misses-throttling" in kinds(definition)) is found


NARROW = [{"ErrorEquals": ["NotReady"]}]
CATCH = [{"ErrorEquals": ["States.ALL"], "Next": "Sorry"}]
MISSED = [{"ErrorEquals": ["States.Timeout"], "Next": "Sorry"}]
INSIDE = machine("Do", {"Do": task(Retry=NARROW)})
CHILDREN = {**INSIDE, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}


@pytest.mark.parametrize(
    ("states", "becomes"),
    [
        ({"Do": task(Retry=NARROW)}, "fails the execution"),
        ({"Do": task(Retry=NARROW, Catch=MISSED), "Sorry": DONE}, "fails the execution"),
        ({"Do": task(Retry=NARROW, Catch=CATCH), "Sorry": DONE}, "goes to Sorry"),
        ({"All": {"Type": "Parallel", "Branches": [INSIDE], "End": True}}, "fails the execution"),
        ({"All": {"Type": "Parallel", "Branches": [INSIDE], "Catch": CATCH, "End": True}, "Sorry": DONE}, "ends All"),
        ({"All": {"Type": "Map", "ItemProcessor": INSIDE, "Retry": RETRIED, "End": True}}, "All begins again"),
        ({"All": {"Type": "Map", "ItemProcessor": CHILDREN, "End": True}}, "fails its child execution"),
    ],
)
def test_throttling_fails_no_execution_that_catches_it(states, becomes):
    found = only(machine(next(iter(states)), states), "retry-misses-throttling")
    assert found.states == ("Do",)
    assert becomes in found.message
    assert ("fails the execution" in found.message) == (becomes == "fails the execution")


def test_unreachable_and_no_way_out():
    definition = machine("A", {"A": task("B"), "B": task("C"), "C": task("B"), "Lost": DONE})
    assert only(definition, "unreachable").states == ("Lost",)
    assert only(definition, "no-way-out").states == ("A", "B", "C")


GROWING = {
    "States.Array of itself": {
        "Type": "Pass",
        "Parameters": {"all.$": "States.Array($.all, $.status)", "status.$": "$.status"},
    },
    "the whole input put into itself": {"Type": "Pass", "ResultPath": "$.before"},
    "the whole input kept in a field": {"Type": "Pass", "Parameters": {"before.$": "$"}},
    "a text that is continued": {"Type": "Pass", "Parameters": {"log.$": "States.Format('{} {}', $.log, $.status)"}},
    "a variable that is continued": {"Type": "Pass", "Assign": {"all.$": "States.Array($all, $.status)"}},
}


@pytest.mark.parametrize("why", GROWING)
def test_payload_growth(why):
    found = only(polling({**GROWING[why], "Next": "Check"}, choice(STATUS, "Pause")), "payload-growth")
    assert found.states == ("Ask",)
    assert found.variables[0] in found.message


@pytest.mark.parametrize(
    ("expression", "grows"),
    [
        ("$append($polls, $states.result.status)", True),
        ("[$polls, $states.result.status]", True),
        ("$log & $states.result.status", False),
        ("$polls & 'x'", True),
        ("$states.result.status", False),
        ("$polls + 1", False),
    ],
)
def test_payload_growth_in_jsonata(expression, grows):
    definition = jsonata({"polls": "{% " + expression + " %}"}, "$states.input.status = 'x'")
    assert ("payload-growth" in kinds(definition)) is grows


def test_appending_once_outside_a_loop_is_no_growth():
    grow = {"Type": "Pass", "Parameters": {"all.$": "States.Array($.all, 1)"}, "Next": "Done"}
    assert problems(machine("Grow", {"Grow": grow, "Done": DONE})) == []


@pytest.mark.parametrize(
    ("definition", "kind", "named"),
    [
        ([], "not-an-object", "object"),
        (None, "not-an-object", "object"),
        ({}, "missing-start", "StartAt"),
        ({"StartAt": "A"}, "missing-states", "States"),
        ({"StartAt": "B", "States": {"A": DONE}}, "dangling-start", "'B'"),
        ({"StartAt": 1, "States": {"A": DONE}}, "missing-start", "StartAt"),
        ({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}, "dangling-next", "'B'"),
        ({"StartAt": "A", "States": {"A": {"Type": "Pass"}}}, "missing-next", "'A'"),
        ({"StartAt": "A", "States": {"A": {"Type": "Paint", "End": True}}}, "unknown-type", "'A'"),
        ({"StartAt": "A", "States": {"A": 7}}, "bad-state", "A"),
        ({"StartAt": "A", "States": {"A": {"Type": "Task", "End": True}}}, "missing-resource", "'A'"),
        ({"StartAt": "A" * 81, "States": {"A" * 81: DONE}}, "bad-name", "80"),
        ({"StartAt": "A", "States": {"A": {"Type": "Parallel", "Branches": [], "End": True}}}, "missing-inside", "A"),
        ({"StartAt": "A", "States": {"A": {"Type": "Choice", "Choices": []}}}, "missing-choices", "'A'"),
        ({"StartAt": "A", "States": {"A": {"Type": "Wait", "End": True}}}, "missing-time", "Seconds"),
        ({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "A", "End": True}}}, "next-and-end", "'A'"),
        ({"StartAt": "A", "States": {"A": {"Type": "Wait", "Secnds": 1, "End": True}}}, "bad-field", "'A'"),
        ({"StartAt": "A", "States": {"A": {"Type": "Wait", "Secnds": 1, "End": True}}}, "bad-field", '"Seconds"?'),
        ({"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": float("nan"), "End": True}}}, "not-json", "nan"),
    ],
)
def test_malformed(definition, kind, named):
    found = next(problem for problem in problems(definition) if problem.kind == kind)
    assert named in found.message


def test_the_field_that_names_a_missing_state_is_told():
    states = {
        "A": choice([equals("$.x", "1", "Gone")], "Lost"),
        "B": task("A", Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Nowhere"}]),
    }
    messages = [found.message for found in problems(machine("B", states)) if found.kind == "dangling-next"]
    assert [message.split(" of ")[0] for message in messages] == ["Choices[0].Next", "Default", "Catch[0].Next"]


@pytest.mark.slow
def test_anything_that_is_json_gets_findings():
    chance = random.Random(20_260)
    words = [
        *("StartAt", "States", "Type", "Next", "Default", "Choices", "Catch", "Retry", "End", "Task", "Choice", "Map"),
        *("Parallel", "Wait", "Pass", "Branches", "Iterator", "ItemProcessor", "ProcessorConfig", "Mode", "Resource"),
        *("Variable", "And", "Not", "Condition", "{% $a %}", "{% $states.input.a & $b( %}", "$.a", "$", "$$", "a", ""),
        *("Assign", "Output", "Parameters", "x.$", "ResultPath", "InputPath", "OutputPath", "States.Array($.a)"),
        *("Seconds", "ErrorEquals", "MaxAttempts", "IntervalSeconds", "TimeoutSeconds", "QueryLanguage", "JSONata"),
    ]

    def anything(depth: int) -> Any:
        kind = chance.randrange(9 if depth else 6)
        if kind < 3:
            return chance.choice(words)
        if kind < 6:
            return chance.choice([None, True, False, 0, -1, 2, 1.5, 1e308, 99_999_999])
        if kind == 6:
            return [anything(depth - 1) for _ in range(chance.randrange(4))]
        return {chance.choice(words): anything(depth - 1) for _ in range(chance.randrange(6))}

    def mangled(value: Any, rate: float) -> Any:
        if chance.random() < rate:
            return anything(2)
        if isinstance(value, dict):
            return {key: mangled(inner, rate) for key, inner in value.items()}
        return [mangled(inner, rate) for inner in value] if isinstance(value, list) else value

    for _ in range(1_500):
        for found in problems(anything(6)):
            assert found.kind
            assert found.message
    sound = [make() for make in SAMPLES.values()] + [job_poller(), load("busy_wait")]
    for _ in range(1_500):
        problems(mangled(chance.choice(sound), 0.08))


@pytest.mark.slow
def test_very_deep_and_very_wide_definitions_come_to_an_end():
    deep: Any = {"Variable": "$.x", "IsNull": True}
    for _ in range(50_000):
        deep = {"Not": deep}
    assert problems({"StartAt": "A", "States": {"A": {"Type": "Choice", "Choices": [deep], "Default": "A"}}})
    nested: Any = machine("A", {"A": DONE})
    for _ in range(3_000):
        nested = machine("A", {"A": {"Type": "Map", "ItemProcessor": nested, "End": True}})
    assert kinds(nested) == {"too-deep"}
    names = [f"S{n}" for n in range(30)]
    rules = [equals("$.x", name, name) for name in names]
    assert problems(machine("S0", {name: choice(rules, "S0") for name in names}))
