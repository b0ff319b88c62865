"""Pass, Choice, Wait, Succeed and Fail; the context object; variables; what is told of a path that leads nowhere."""

import json
from datetime import UTC, datetime

import pytest

from helpers import engine
from helpers.errors import DefinitionInvalid
from tests.engine.driving import ARN, details, machine, outputs, passing, seconds, task, types

DONE = {"Type": "Succeed"}


def choice(*rules, default="No"):
    return machine(
        A={"Type": "Choice", "Choices": [{**rule, "Next": "Yes"} for rule in rules], "Default": default},
        Yes=passing(Result="yes"),
        No=passing(Result="no"),
    )


# ---- Pass


@pytest.mark.parametrize(
    ("fields", "output"),
    [
        ({}, {"a": 1, "b": [1, 2]}),
        ({"Result": {"x": 1}}, {"x": 1}),
        ({"Result": 5, "ResultPath": "$.r"}, {"a": 1, "b": [1, 2], "r": 5}),
        ({"Result": 5, "ResultPath": None}, {"a": 1, "b": [1, 2]}),
        ({"InputPath": "$.b"}, [1, 2]),
        ({"InputPath": None}, {}),
        ({"OutputPath": "$.b[1]"}, 2),
        ({"OutputPath": None}, {}),
        ({"Parameters": {"sum.$": "States.MathAdd($.a, 1)", "all.$": "$.b[*]"}}, {"sum": 2, "all": [1, 2]}),
    ],
)
def test_what_a_pass_makes_of_its_input(fields, output):
    assert engine.run(machine(passing(**fields)), {"a": 1, "b": [1, 2]}).output == output


def test_a_result_is_placed_without_changing_what_was_there():
    definition = machine(A=passing(Result=5, ResultPath="$.deep.er", Next="B"), B=passing())
    run = engine.run(definition, {"deep": {"x": 1}})
    entered = [json.loads(one["input"]) for one in details(run, "PassStateEntered")]
    assert entered == [{"deep": {"x": 1}}, {"deep": {"x": 1, "er": 5}}]


# ---- Choice


@pytest.mark.parametrize(
    ("rule", "data", "holds"),
    [
        ({"Variable": "$.n", "NumericEquals": 1}, {"n": 1.0}, True),
        ({"Variable": "$.n", "NumericEquals": 1}, {"n": True}, False),
        ({"Variable": "$.n", "NumericLessThanEqualsPath": "$.m"}, {"n": 1, "m": 1}, True),
        ({"Variable": "$.n", "StringGreaterThan": "a"}, {"n": "b"}, True),
        ({"Variable": "$.n", "StringMatches": "a*c"}, {"n": "abbc"}, True),
        ({"Variable": "$.n", "StringMatches": r"a\*c"}, {"n": "abc"}, False),
        ({"Variable": "$.n", "BooleanEquals": True}, {"n": True}, True),
        ({"Variable": "$.n", "TimestampLessThan": "2026-01-01T00:00:00Z"}, {"n": "2025-12-31T23:59:59+00:00"}, True),
        ({"Variable": "$.n", "IsPresent": False}, {}, True),
        ({"Variable": "$.n", "IsNull": True}, {"n": None}, True),
        ({"Variable": "$.n", "IsTimestamp": True}, {"n": "yesterday"}, False),
        ({"Variable": "$.n", "IsNumeric": True}, {"n": 0}, True),
        ({"Not": {"Variable": "$.n", "IsString": True}}, {"n": 1}, True),
        ({"And": [{"Variable": "$.n", "IsPresent": True}, {"Variable": "$.n", "NumericEquals": 1}]}, {}, False),
        ({"Or": [{"Variable": "$.m", "IsPresent": True}, {"Variable": "$.n", "IsPresent": True}]}, {"n": 1}, True),
    ],
)
def test_rules(rule, data, holds):
    assert engine.run(choice(rule), data).output == ("yes" if holds else "no")


def test_a_rule_about_nothing_fails_and_no_match_without_default_too():
    rule = {"Variable": "$.none", "StringEquals": "x"}
    run = engine.run(choice(rule), {"n": 1})
    assert (run.error, "condition path references an invalid value" in run.cause) == ("States.Runtime", True)
    definition = choice({"Variable": "$.n", "IsNull": True})
    del definition["States"]["A"]["Default"], definition["States"]["No"]
    run = engine.run(definition, {"n": 1})
    assert (run.error, run.cause) == (
        "States.Runtime",
        "An error occurred while executing the state 'A' (entered at the event id #2). "
        "Failed to transition out of the state. The state does not point to a next state.",
    )


def test_a_choice_in_jsonata_assigns_and_shapes_by_its_rule():
    rules = [
        {"Condition": "{% $states.input.n > 5 %}", "Next": "B", "Output": {"big": True}},
        {"Condition": "{% $states.input.n > 1 %}", "Next": "B", "Assign": {"v": 7}},
    ]
    definition = machine(
        A={"Type": "Choice", "Choices": rules, "Default": "B", "Output": "other", "Assign": {"v": 8}},
        B=passing(Output="{% [$states.input, $v] %}"),
    )
    definition = {**definition, "QueryLanguage": "JSONata"}
    assert engine.run(definition, {"n": 2}).output == [{"n": 2}, 7]
    assert engine.run(definition, {"n": 0}).output == ["other", 8]
    assert engine.run(definition, {"n": 9}).output == [{"big": True}]  # $v was not set


def test_a_condition_that_is_no_boolean_fails():
    rule = {"Condition": "{% $states.input.n %}", "Next": "B"}
    definition = machine(A={"Type": "Choice", "Choices": [rule], "Default": "B"}, B=passing())
    run = engine.run({**definition, "QueryLanguage": "JSONata"}, {"n": 1})
    assert run.error == "States.QueryEvaluationError"
    assert details(run, "EvaluationFailed")[0]["location"] == "Choices[0]/Condition"


# ---- Wait


def wait(language="JSONPath", **fields):
    return {**machine({"Type": "Wait", "End": True, **fields}), "QueryLanguage": language}


@pytest.mark.parametrize(
    ("fields", "language", "waited"),
    [
        ({"Seconds": 3}, "JSONPath", 3),
        ({"SecondsPath": "$.s"}, "JSONPath", 4),
        ({"SecondsPath": "$.none"}, "JSONPath", 0),
        ({"Timestamp": "2025-01-01T00:00:05Z"}, "JSONPath", 5),
        ({"TimestampPath": "$.t"}, "JSONPath", 6.25),
        ({"Timestamp": "2024-01-01T00:00:00Z"}, "JSONPath", 0),
        ({"Seconds": "{% $states.input.s * 2 %}"}, "JSONata", 8),
        ({"Timestamp": "{% $states.input.t %}"}, "JSONata", 6.25),
    ],
)
def test_how_long_a_wait_waits(fields, language, waited):
    run = engine.run(wait(language, **fields), {"s": 4, "none": 0, "t": "2025-01-01T01:00:06.250+01:00"})
    assert (run.status, seconds(run)[-1]) == ("SUCCEEDED", waited)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"SecondsPath": "$.none"}, "The SecondsPath parameter does not reference an input value: $.none"),
        ({"SecondsPath": "$.text"}, "The SecondsPath parameter cannot be parsed as a long value: $.text == soon"),
        ({"SecondsPath": "$.less"}, "The SecondsPath parameter references a negative value: $.less == -1"),
        ({"TimestampPath": "$.text"}, "does not reference a valid ISO-8601 extended offset date-time format string"),
    ],
)
def test_a_wait_for_nonsense_fails(fields, said):
    run = engine.run(wait(**fields), {"text": "soon", "less": -1})
    assert (run.error, said in run.cause) == ("States.Runtime", True), run.cause
    assert "An error occurred while executing the state 'A' (entered at the event id #2)." in run.cause


@pytest.mark.parametrize("value", ["soon", "2025-13-01T00:00:00Z", 5])
def test_a_bad_time_in_jsonata_fails_its_evaluation(value):
    run = engine.run(wait("JSONata", Timestamp="{% $states.input %}"), value)
    assert types(run) == ["ExecutionStarted", "WaitStateEntered", "EvaluationFailed", "ExecutionFailed"]
    assert run.error == "States.QueryEvaluationError"
    assert details(run, "EvaluationFailed")[0]["location"] == "Timestamp"


@pytest.mark.parametrize("seconds", [1.5, -1, "3", True, None])
def test_seconds_in_jsonata_are_whole_and_not_below_0(seconds):
    run = engine.run(wait("JSONata", Seconds="{% $states.input.s %}"), {"s": seconds})
    assert (run.error, details(run, "EvaluationFailed")[0]["location"]) == ("States.QueryEvaluationError", "Seconds")


# ---- Succeed and Fail


def test_succeed_ends_and_shapes():
    assert engine.run(machine({**DONE, "OutputPath": "$.a"}), {"a": 1}).output == 1
    definition = {**machine({**DONE, "Output": "{% $states.input.a + 1 %}"}), "QueryLanguage": "JSONata"}
    assert engine.run(definition, {"a": 1}).output == 2


@pytest.mark.parametrize(
    ("fields", "language", "ends"),
    [
        ({"Error": "E", "Cause": "C"}, "JSONPath", ("E", "C")),
        ({}, "JSONPath", (None, None)),
        ({"ErrorPath": "$.e", "CausePath": "States.Format('{}!', $.c)"}, "JSONPath", ("no", "way!")),
        ({"Error": "{% $states.input.e %}", "Cause": "{% $states.input.c & '?' %}"}, "JSONata", ("no", "way?")),
    ],
)
def test_what_a_fail_ends_with(fields, language, ends):
    run = engine.run({**machine({"Type": "Fail", **fields}), "QueryLanguage": language}, {"e": "no", "c": "way"})
    assert (run.status, run.error, run.cause) == ("FAILED", *ends)
    assert types(run) == ["ExecutionStarted", "FailStateEntered", "ExecutionFailed"]


# ---- the context object, variables


def test_the_context_object():
    definition = machine(A={"Type": "Wait", "Seconds": 5, "Next": "B"}, B=passing(Parameters={"all.$": "$$"}))
    found = engine.run(definition, {"n": 1}, start=datetime(2026, 5, 1, tzinfo=UTC)).output["all"]
    assert found["State"] == {"Name": "B", "EnteredTime": "2026-05-01T00:00:05Z"}
    assert found["Execution"]["Input"] == {"n": 1}
    assert found["Execution"]["StartTime"] == "2026-05-01T00:00:00Z"
    assert found["Execution"]["RedriveCount"] == 0
    assert set(found["StateMachine"]) == {"Id", "Name"}


def test_a_start_without_a_zone_is_utc():
    run = engine.run(machine(passing()), start=datetime(2026, 5, 1))
    assert run.events[0]["timestamp"] == datetime(2026, 5, 1, tzinfo=UTC)


def test_variables_last_and_an_assign_sees_the_values_before_it():
    definition = machine(
        A=passing(Assign={"a": 1, "b.$": "$.n"}, Next="B"),
        B=passing(Assign={"a.$": "$b", "b.$": "$a"}, Next="C"),
        C=passing(Parameters={"a.$": "$a", "b.$": "$b"}),
    )
    run = engine.run(definition, {"n": 2})
    assert run.output == {"a": 2, "b": 1}
    assert details(run, "PassStateExited")[0]["assignedVariables"] == {"a": "1", "b": "2"}


def test_branches_read_outer_variables_and_keep_their_own():
    def branch(number):
        return machine(
            **{
                f"B{number}": passing(Assign={f"own{number}.$": "$outer"}, Next=f"C{number}"),
                f"C{number}": passing(Parameters={"v.$": f"$own{number}"}),
            }
        )

    definition = machine(
        A=passing(Assign={"outer": 5}, Next="P"),
        P={"Type": "Parallel", "Branches": [branch(1), branch(2)], "Next": "Z"},
        Z=passing(Parameters={"gone.$": "$own1"}),
    )
    run = engine.run(definition)
    assert list(outputs(run, "Parallel")) == [[{"v": 5}, {"v": 5}]]
    assert run.error == "States.Runtime"


def test_an_inner_scope_does_not_write_an_outer_variable():
    inner = machine(B=passing(Assign={"outer": 6}))
    definition = machine(
        A=passing(Assign={"outer": 5}, Next="P"), P={"Type": "Parallel", "Branches": [inner], "End": True}
    )
    with pytest.raises(DefinitionInvalid, match="Duplicate variable name: outer"):
        engine.run(definition)


# ---- JSONata


def jsonata(output, data=None, **options):
    return engine.run({**machine(passing(Output=output)), "QueryLanguage": "JSONata"}, data, **options)


@pytest.mark.parametrize(
    ("output", "found"),
    [
        ("{% $states.input.a %}", 1),
        ({"x": ["{% $states.input.a + 1 %}", "plain"]}, {"x": [2, "plain"]}),
        ("{% $states.context.State.Name %}", "A"),
        ("{% $range(1, 9, 9) %}", 1),
        ("{% $partition([1, 2, 3], 2) %}", [[1, 2], [3]]),
        ("{% $parse('{\"k\": null}') %}", {"k": None}),
        ("{% $hash('x', 'MD5') %}", "9dd4e461268c8034f5c8564e155c67a6"),
        ("{% $states.input.nil %}", None),
    ],
)
def test_expressions(output, found):
    assert jsonata(output, {"a": 1, "nil": None}).output == found


def test_time_and_chance_come_from_clock_and_seed():
    output = "{% {'now': $now(), 'millis': $millis(), 'random': $random(), 'uuid': $uuid()} %}"
    one, again, other = (jsonata(output, seed=seed).output for seed in (1, 1, 2))
    assert one == again
    assert (one["random"], one["uuid"]) != (other["random"], other["uuid"])
    assert (one["now"], one["millis"]) == ("2025-01-01T00:00:00.000Z", 1735689600000)


@pytest.mark.parametrize(
    ("state", "location"),
    [
        (passing(Output={"r": "{% $none %}"}), "Output/r"),
        (passing(Assign={"r": "{% $none %}"}), "Assign/r"),
        (task(Arguments="{% $none %}"), "Arguments"),
        (task(ARN, Arguments={"f": ["{% $none %}"]}), "Arguments/f[0]"),
    ],
)
def test_what_is_undefined_fails_before_the_state_was_entered(state, location):
    run = engine.run({**machine(Z=passing(Next="A"), A=state), "QueryLanguage": "JSONata"}, tasks={"A": 1})
    failed = run.events[-2]
    assert (failed["type"], failed["previousEventId"]) == ("EvaluationFailed", 3)
    assert failed["evaluationFailedEventDetails"] == {
        "error": "States.QueryEvaluationError",
        "cause": f"An error occurred while executing the state 'A' (entered at the event id #4). The JSONata expression"
        f" '$none' specified for the field '{location}' returned nothing (undefined).",
        "location": location,
        "state": "A",
    }
    assert run.events[-1]["previousEventId"] == failed["id"]


def test_an_evaluation_that_fails_may_be_retried_and_caught():
    catch = [{"ErrorEquals": ["States.QueryEvaluationError"], "Next": "B"}]
    retry = [{"ErrorEquals": ["States.QueryEvaluationError"], "MaxAttempts": 1}]
    definition = machine(A=task(Output="{% $none %}", Catch=catch, Retry=retry), B=passing())
    run = engine.run({**definition, "QueryLanguage": "JSONata"}, tasks={"A": 1})
    assert (run.status, types(run).count("EvaluationFailed")) == ("SUCCEEDED", 2)
    assert run.output["Error"] == "States.QueryEvaluationError"


def test_a_path_that_leads_nowhere_says_where():
    run = engine.run(machine(passing(Parameters={"x.$": "$.none"})), {"n": 1})
    assert run.error == "States.Runtime"
    assert run.cause == (
        "An error occurred while executing the state 'A' (entered at the event id #2). The JSONPath '$.none' specified"
        " for the field 'x.$' could not be found in the input '{\"n\":1}'"
    )
