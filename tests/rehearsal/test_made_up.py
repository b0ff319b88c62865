"""Made-up data lead a machine to a good end, and are no larger than that needs."""

import pytest

from helpers import engine
from helpers.definition import load, names
from helpers.errors import DefinitionInvalid
from helpers.rehearsal import made_up
from tests.engine.driving import ACTIVITY, SYNC, TOKEN, machine, passing, task

INVOKE = "arn:aws:states:::lambda:invoke"
GET_ITEM = "arn:aws:states:::dynamodb:getItem"


def choice(*rules, default="No"):
    return machine(
        Ask=task(INVOKE, Parameters={"FunctionName": "f"}, OutputPath="$.Payload", Next="Which"),
        Which={"Type": "Choice", "Choices": [{**rule, "Next": "Yes"} for rule in rules], "Default": default},
        Yes={"Type": "Succeed"},
        No={"Type": "Fail", "Error": "No"},
    )


@pytest.mark.parametrize("name", names())
def test_every_machine_of_ours_ends_well(name):
    made = made_up(load(name))
    run = engine.run(made.definition, made.input, made.tasks)
    assert (run.status, run.error) == ("SUCCEEDED", None)


@pytest.mark.parametrize(
    "definition",
    [
        choice({"Variable": "$.a.b", "NumericGreaterThan": 5}),
        choice({"And": [{"Variable": "$.a", "StringMatches": "x*y"}, {"Not": {"Variable": "$.b", "IsNull": True}}]}),
        choice({"Variable": "$.a", "IsPresent": True}),
        choice({"Variable": "$.a", "TimestampLessThan": "2020-01-01T00:00:00Z"}),
        choice({"Variable": "$.a", "NumericEqualsPath": "$.b"}),
        choice({"Not": {"Not": {"Variable": "$.a", "NumericLessThanEquals": 5}}}),
        machine(passing(Parameters={"n.$": "States.MathAdd($.n, 1)", "j.$": "States.StringToJson($.text)"})),
        machine({"Type": "Wait", "SecondsPath": "$.pause", "End": True}),
        machine({"Type": "Map", "ItemProcessor": machine(P=passing(Parameters={"x.$": "$.deep.x"})), "End": True}),
        machine({"Type": "Map", "ItemsPath": "$.rows", "ItemProcessor": machine(P=task(TOKEN)), "End": True}),
        machine(L=task(Next="M"), M={"Type": "Map", "ItemProcessor": machine(P=passing()), "End": True}),
        machine(
            {
                "Type": "Map",
                "ItemReader": {"Resource": "arn:aws:states:::s3:getObject"},
                "ItemBatcher": {"MaxItemsPerBatch": 2},
                "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b"}},
                "ItemProcessor": {
                    **machine(P=passing(Parameters={"first.$": "$.Items[0].key"})),
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                },
                "End": True,
            }
        ),
        machine(A=task(ACTIVITY, Next="S"), S=task(SYNC, OutputPath="$.Output.total")),
        machine(task("${Function}", Parameters={"Table": "${Table}"})),
        {
            "QueryLanguage": "JSONata",
            **machine(
                Ask=task(GET_ITEM, Assign={"n": "{% $number($states.result.Item.n.N) %}"}, Next="C"),
                C={
                    "Type": "Choice",
                    "Choices": [{"Condition": "{% $n > 3 and $states.input.Item.ok.BOOL %}", "Next": "F"}],
                    "Default": "G",
                },
                F={"Type": "Fail"},
                G=passing(Output="{% $states.input.Item.price.N & '!' %}"),
            ),
        },
    ],
    ids=lambda definition: next(iter(definition["States"].values()))["Type"],
)  # fmt: skip
def test_any_machine_ends_well(definition):
    made = made_up(definition)
    run = engine.run(made.definition, made.input, made.tasks)
    assert (run.status, run.cause) == ("SUCCEEDED", None)


def test_there_is_nothing_in_it_that_is_not_needed():
    made = made_up(choice({"Variable": "$.a.b", "NumericGreaterThan": 5}))
    assert (made.input, made.answers) == ({}, {"Ask": {"Payload": {"a": {"b": 6}}}})


def test_what_cannot_end_well_says_how_it_ended():
    made = made_up(machine({"Type": "Fail", "Error": "Oops"}))
    assert (made.run.status, made.run.error) == ("FAILED", "Oops")


def test_what_is_no_machine_is_refused():
    with pytest.raises(DefinitionInvalid):
        made_up({"StartAt": "A"})


def rules_of_many_conditions(number):
    return [
        {
            "And": [
                {"Variable": f"$.a{place}", "NumericGreaterThan": place},
                {"Variable": f"$.b{place}", "StringEquals": "x"},
                {"Not": {"Variable": f"$.c{place}", "IsPresent": True}},
                {"Variable": "$.k", "NumericLessThanPath": "$.l"},
            ]
        }
        for place in range(number)
    ]


def expressions(number):
    return [{"Condition": f"{{% $states.input.a{at} > {at} and $states.input.b = 'x{at}' %}}"} for at in range(number)]


@pytest.mark.parametrize(("rules", "language"), [(rules_of_many_conditions, "JSONPath"), (expressions, "JSONata")])
def test_the_last_of_many_ways_is_found(rules, language):
    choices = [{**rule, "Next": f"No{place}"} for place, rule in enumerate(rules(25))]
    choices[-1]["Next"] = "Yes"
    wrong = {f"No{place}": {"Type": "Fail", "Error": "No"} for place in range(24)}
    which = {"Type": "Choice", "Choices": choices, "Default": "No0"}
    made = made_up({"QueryLanguage": language, **machine(Which=which, Yes={"Type": "Succeed"}, **wrong)})
    assert made.run.status == "SUCCEEDED"
