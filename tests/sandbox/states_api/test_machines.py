"""Creating, changing, describing, listing and deleting state machines, and their tags."""

import base64
import json
from typing import Any

import pytest

import helpers
from helpers.sandbox.states_api import machines
from helpers.sandbox.states_api.backend import StatesBackend
from tests.sandbox.states_api.conftest import FAIL, PASS, SLEEP, Machines, make_role, refused

SYNC = {
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "Task",
            "Resource": "arn:aws:states:::athena:startQueryExecution.sync",
            "Parameters": {"QueryString": "SELECT 1"},
            "End": True,
        }
    },
}


def test_the_description_of_a_machine(states: Any, machine: Machines, role: str) -> None:
    arn = machine(PASS)
    found = states.describe_state_machine(stateMachineArn=arn)
    assert json.loads(found["definition"]) == PASS
    assert (found["stateMachineArn"], found["name"]) == (arn, arn.rpartition(":")[2])
    assert (found["status"], found["type"], found["roleArn"]) == ("ACTIVE", "STANDARD", role)
    assert found["loggingConfiguration"] == {"level": "OFF", "includeExecutionData": False}
    assert found["tracingConfiguration"] == {"enabled": False}
    assert found["encryptionConfiguration"] == {"type": "AWS_OWNED_KEY"}
    assert "revisionId" not in found


def test_variables_are_listed_with_the_states_that_use_them(states: Any, machine: Machines) -> None:
    definition = {
        "QueryLanguage": "JSONata",
        "StartAt": "Set",
        "States": {
            "Set": {"Type": "Pass", "Assign": {"n": 1}, "Next": "Use"},
            "Use": {"Type": "Pass", "Output": "{% $n + 1 %}", "End": True},
        },
    }
    found = states.describe_state_machine(stateMachineArn=machine(definition))
    assert found["variableReferences"]["Use"] == ["n"]


def test_the_same_request_again_is_the_same_machine(states: Any, machine: Machines, lab: helpers.Lab) -> None:
    arn = machine(PASS, name="twice")
    assert machine(PASS, name="twice", roleArn=make_role(lab)) == arn
    found = refused(
        states.create_state_machine,
        name="twice",
        definition=json.dumps(FAIL),
        roleArn=states.describe_state_machine(stateMachineArn=arn)["roleArn"],
    )
    assert found == ("StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'")
    key = {
        "type": "CUSTOMER_MANAGED_KMS_KEY",
        "kmsKeyId": "alias/other",
    }  # it counts: API reference, CreateStateMachine
    with pytest.raises(states.exceptions.StateMachineAlreadyExists):
        machine(PASS, name="twice", encryptionConfiguration=key)
    assert json.loads(states.describe_state_machine(stateMachineArn=arn)["definition"]) == PASS


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ("{", "INVALID_JSON_DESCRIPTION: "),
        ("[]", "SCHEMA_VALIDATION_FAILED: "),
        ("[" * 100_000, "INVALID_JSON_DESCRIPTION: This is no JSON: it is nested too deeply"),
        ('{"a":' * 300 + "1" + "}" * 300, "TOO_DEEPLY_NESTED: The definition is nested deeper than 200 levels"),
        ('{"StartAt": "A"}', "SCHEMA_VALIDATION_FAILED: These fields are required: [States]"),
        (
            '{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}',
            "MISSING_TRANSITION_TARGET: Missing 'Next' target: B at /States/A/Next",
        ),
        (
            '{"StartAt": "Z", "States": {"A": {"Type": "Pass", "End": true}}}',
            "MISSING_TRANSITION_TARGET: Missing 'Next' target: Z at /StartAt",
        ),
        (
            '{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}, "B": {"Type": "Succeed"}}}',
            'MISSING_TRANSITION_TARGET: State "B" is not reachable. at /States/B',
        ),
        (
            '{"StartAt": "A", "States": {"A": {"Type": "Dance", "End": true}}}',
            "SCHEMA_VALIDATION_FAILED: The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, "
            "Fail, Choice, Parallel, Map] at /States/A/Type",
        ),
        (
            '{"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {"x": [{"y.$": "z"}]}, "End": true}}}',
            "SCHEMA_VALIDATION_FAILED: The value for the field 'y.$' must be a valid JSONPath or a valid intrinsic "
            "function call at /States/A/Parameters",
        ),
        (
            '{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "f", "End": true}}}',
            "SCHEMA_VALIDATION_FAILED: The resource provided f is not recognized. ",
        ),
        (
            '{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "arn:aws:states:::http:invoke", '
            '"End": true}}}',
            "INVALID_RESOURCE: http:invoke is not in the sandbox: give the state an answer with lab.stand_in, "
            "or use an AWS account. at /States/A/Resource",
        ),
        (
            '{"StartAt": "A", "States": {"A": {"Type": "Pass", "Rubbish": 1, "End": true}}}',
            "SCHEMA_VALIDATION_FAILED: ",
        ),
    ],
)
def test_a_bad_definition_is_refused(states: Any, machine: Machines, role: str, definition: str, said: str) -> None:
    code, message = refused(states.create_state_machine, name="bad", definition=definition, roleArn=role)
    assert code == "InvalidDefinition"
    assert message.startswith(f"Invalid State Machine Definition: '{said}")
    good = machine(PASS)
    assert refused(states.update_state_machine, stateMachineArn=good, definition=definition) == (code, message)
    assert json.loads(states.describe_state_machine(stateMachineArn=good)["definition"]) == PASS
    validation = states.validate_state_machine_definition(definition=definition)
    assert validation["result"] == "FAIL"
    assert f"{validation['diagnostics'][0]['code']}: " in message


def test_validation_looks_into_branches(states: Any) -> None:
    inner = {"StartAt": "In", "States": {"In": {"Type": "Pass", "Next": "Nowhere"}}}
    definition = {"StartAt": "Each", "States": {"Each": {"Type": "Parallel", "Branches": [inner], "End": True}}}
    found = states.validate_state_machine_definition(definition=json.dumps(definition))
    assert found["diagnostics"] == [
        {
            "severity": "ERROR",
            "code": "MISSING_TRANSITION_TARGET",
            "message": "Missing 'Next' target: Nowhere",
            "location": "/States/Each/Branches[0]/States/In/Next",
        }
    ]


def test_a_good_definition_is_valid_and_warnings_do_not_change_that(states: Any) -> None:
    assert states.validate_state_machine_definition(definition=json.dumps(PASS)) | {"ResponseMetadata": 0} == {
        "result": "OK",
        "diagnostics": [],
        "truncated": False,
        "ResponseMetadata": 0,
    }
    task = {"Type": "Pass", "Parameters": {"a": "$.b"}, "End": True}
    definition = json.dumps({"StartAt": "Go", "States": {"Go": task}})
    found = states.validate_state_machine_definition(definition=definition, severity="WARNING")
    assert found["result"] == "OK"
    assert [one["code"] for one in found["diagnostics"]] == ["NO_DOLLAR"]
    assert states.validate_state_machine_definition(definition=definition)["diagnostics"] == []


def test_nothing_is_no_definition(states: Any) -> None:
    [found] = states.validate_state_machine_definition(definition="null")["diagnostics"]
    assert (found["code"], found["message"]) == ("MISSING_DESCRIPTION", "Received a null or empty workflow input")


def test_validation_lists_no_more_than_asked_for(states: Any) -> None:
    many = {f"S{n}": {"Type": "Pass", "Next": f"T{n}"} for n in range(5)}
    definition = json.dumps({"StartAt": "S0", "States": many})
    found = states.validate_state_machine_definition(definition=definition, maxResults=2)
    assert len(found["diagnostics"]) == 2
    assert found["truncated"]


@pytest.mark.parametrize("name", ["with space", "star*", "colon:", "tab\t"])
def test_a_bad_name_is_refused(states: Any, role: str, name: str) -> None:
    found = refused(states.create_state_machine, name=name, definition=json.dumps(PASS), roleArn=role)
    assert found == ("InvalidName", f"Invalid Name: '{name}'")


def test_the_role_must_be_there_and_trust_the_service(states: Any, lab: helpers.Lab, machine: Machines) -> None:
    refusal = (
        "AccessDeniedException",
        "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the "
        "provided role.",
    )
    arguments = {"name": "roleless", "definition": json.dumps(PASS)}
    missing = f"arn:aws:iam::{lab.account}:role/none"
    others = make_role(lab, "lambda.amazonaws.com")
    assert refused(states.create_state_machine, roleArn=missing, **arguments) == refusal
    assert refused(states.create_state_machine, roleArn=others, **arguments) == refusal
    assert refused(states.update_state_machine, stateMachineArn=machine(), roleArn=others) == refusal
    assert refused(states.create_state_machine, roleArn="nobody", **arguments)[0] == "InvalidArn"
    elsewhere = refused(states.create_state_machine, roleArn="arn:aws:iam::999999999999:role/r", **arguments)
    assert elsewhere == ("AccessDeniedException", "Cross-account pass role is not allowed.")
    regional = make_role(lab, f"states.{lab.region}.amazonaws.com")
    assert machine(roleArn=regional)


def test_an_update_makes_a_revision_and_the_same_again_does_not(states: Any, machine: Machines) -> None:
    arn = machine(PASS)
    first = states.update_state_machine(stateMachineArn=arn, definition=json.dumps(SLEEP))
    again = states.update_state_machine(stateMachineArn=arn, definition=json.dumps(SLEEP))
    assert first["revisionId"] == again["revisionId"]
    other = states.update_state_machine(stateMachineArn=arn, tracingConfiguration={"enabled": True})
    assert other["revisionId"] != first["revisionId"]
    assert states.describe_state_machine(stateMachineArn=arn)["revisionId"] == other["revisionId"]
    assert refused(states.update_state_machine, stateMachineArn=arn)[0] == "MissingRequiredParameter"


def test_of_two_updates_at_once_both_count(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = StatesBackend("us-east-1", "123456789012")
    monkeypatch.setattr(machines, "check_role", lambda *_: None)
    made = machines.create_state_machine(backend, {"name": "m", "definition": json.dumps(PASS), "roleArn": "one"})
    key = {"stateMachineArn": made["stateMachineArn"]}
    other = {**key, "tracingConfiguration": {"enabled": True}}
    monkeypatch.setattr(machines, "check_role", lambda *_: machines.update_state_machine(backend, other))
    machines.update_state_machine(backend, {**key, "roleArn": "two"})
    found = backend.machines[key["stateMachineArn"]].revision
    assert (found.role_arn, found.tracing) == ("two", {"enabled": True})


def test_express_machines_take_no_task_that_waits(states: Any, machine: Machines, role: str) -> None:
    found = refused(states.create_state_machine, name="x", definition=json.dumps(SYNC), roleArn=role, type="EXPRESS")
    assert found == (
        "InvalidDefinition",
        "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: Express state machine does not support '.sync' "
        "service integration at /States/Ask/Resource'",
    )
    assert machine(SYNC)


def test_machines_are_listed_by_page(states: Any, machine: Machines) -> None:
    made = {machine() for _ in range(5)}
    pages = states.get_paginator("list_state_machines").paginate(PaginationConfig={"PageSize": 2})
    found = [one["stateMachineArn"] for page in pages for one in page["stateMachines"]]
    assert made <= set(found)
    assert len(found) == len(set(found))
    assert found == sorted(found)
    forged = base64.urlsafe_b64encode(b'["machines", 5]').decode()
    assert refused(states.list_state_machines, nextToken=forged)[0] == "InvalidToken"


def test_what_a_tag_may_hold(states: Any, machine: Machines) -> None:
    """Letters, digits, white space and _ . : / = + - @: API reference, TagResource; aws: is AWS's own prefix."""
    arn = machine(tags=[{"key": "Straße 1", "value": "a_.:/=+-@"}])
    for tag in ({"key": "a", "value": "b&c"}, {"key": "a;b", "value": ""}, {"key": "aws:a", "value": ""}):
        assert refused(states.tag_resource, resourceArn=arn, tags=[tag])[0] == "ValidationException"
        with pytest.raises(states.exceptions.ClientError, match="ValidationException"):
            machine(tags=[tag])
    assert len(states.list_tags_for_resource(resourceArn=arn)["tags"]) == 1


def test_metadata_come_without_the_definition(states: Any, machine: Machines) -> None:
    """API reference, DescribeStateMachine, member definition; an execution's machine is described alike."""
    arn = machine()
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]
    only = {"includedData": "METADATA_ONLY"}
    assert states.describe_state_machine(stateMachineArn=arn, **only)["definition"] == "{}"
    assert states.describe_state_machine_for_execution(executionArn=execution, **only)["definition"] == "{}"


def test_a_map_of_a_machine_is_no_machine(states: Any, machine: Machines) -> None:
    """An ARN with the label of a distributed Map is refused: API reference, StartExecution and others."""
    arn = f"{machine()}/Each"
    for operation in (
        states.start_execution,
        states.describe_state_machine,
        states.delete_state_machine,
        lambda **given: states.update_state_machine(roleArn="arn:aws:iam::123456789012:role/r", **given),
    ):
        with pytest.raises(states.exceptions.ClientError, match="ValidationException"):
            operation(stateMachineArn=arn)


def test_tags_come_and_go(states: Any, machine: Machines, lab: helpers.Lab) -> None:
    arn = machine(tags=[{"key": "a", "value": "1"}])
    tagged = lab.client("resourcegroupstaggingapi").get_resources(TagFilters=[{"Key": "a", "Values": ["1"]}])
    assert arn in [one["ResourceARN"] for one in tagged["ResourceTagMappingList"]]
    states.tag_resource(resourceArn=arn, tags=[{"key": "b", "value": "2"}, {"key": "a", "value": "3"}])
    states.untag_resource(resourceArn=arn, tagKeys=["b"])
    assert states.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "a", "value": "3"}]
    many = [{"key": str(number), "value": ""} for number in range(50)]
    assert refused(states.tag_resource, resourceArn=arn, tags=many)[0] == "TooManyTags"
    missing = f"{arn}-none"
    found = refused(states.list_tags_for_resource, resourceArn=missing)
    assert found == ("ResourceNotFound", f"Resource not found: '{missing}'")
