"""Versions, aliases, and which of them an execution runs by."""

import json
from typing import Any

from tests.sandbox.states_api.conftest import FAIL, PASS, Machines, refused


def route(*weights: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"stateMachineVersionArn": arn, "weight": weight} for arn, weight in weights]


def test_versions_are_snapshots(states: Any, machine: Machines, until: Any) -> None:
    arn = machine(PASS)
    first = states.publish_state_machine_version(stateMachineArn=arn, description="the first")
    assert first["stateMachineVersionArn"] == f"{arn}:1"
    assert states.publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"] == f"{arn}:1"
    second = states.update_state_machine(
        stateMachineArn=arn, definition=json.dumps(FAIL), publish=True, versionDescription="the second"
    )
    assert second["stateMachineVersionArn"] == f"{arn}:2"
    listed = states.list_state_machine_versions(stateMachineArn=arn)["stateMachineVersions"]
    assert [one["stateMachineVersionArn"] for one in listed] == [f"{arn}:2", f"{arn}:1"]
    described = states.describe_state_machine(stateMachineArn=f"{arn}:1")
    assert (json.loads(described["definition"]), described["description"]) == (PASS, "the first")
    old = until(states.start_execution(stateMachineArn=f"{arn}:1")["executionArn"])
    new = until(states.start_execution(stateMachineArn=arn)["executionArn"])
    assert (old["status"], old["stateMachineVersionArn"]) == ("SUCCEEDED", f"{arn}:1")
    assert new["status"] == "FAILED"
    assert "stateMachineVersionArn" not in new
    listed = states.list_executions(stateMachineArn=f"{arn}:1")["executions"]
    assert [one["executionArn"] for one in listed] == [old["executionArn"]]


def test_only_the_revision_meant_is_published(states: Any, machine: Machines) -> None:
    arn = machine(PASS)
    code, message = refused(states.publish_state_machine_version, stateMachineArn=arn, revisionId="other")
    assert code == "ConflictException"
    assert "The current State Machine revision is INITIAL" in message
    assert states.publish_state_machine_version(stateMachineArn=arn, revisionId="INITIAL")


def test_an_alias_routes_to_its_version(states: Any, machine: Machines, until: Any) -> None:
    arn = machine(PASS, publish=True)
    states.update_state_machine(stateMachineArn=arn, definition=json.dumps(FAIL), publish=True)
    alias = states.create_state_machine_alias(name="PROD", routingConfiguration=route((f"{arn}:1", 100)))
    assert alias["stateMachineAliasArn"] == f"{arn}:PROD"
    found = until(states.start_execution(stateMachineArn=f"{arn}:PROD")["executionArn"])
    assert (found["status"], found["stateMachineAliasArn"]) == ("SUCCEEDED", f"{arn}:PROD")
    states.update_state_machine_alias(
        stateMachineAliasArn=f"{arn}:PROD", routingConfiguration=route((f"{arn}:1", 0), (f"{arn}:2", 100))
    )
    found = until(states.start_execution(stateMachineArn=f"{arn}:PROD")["executionArn"])
    assert (found["status"], found["stateMachineVersionArn"]) == ("FAILED", f"{arn}:2")
    described = states.describe_state_machine_alias(stateMachineAliasArn=f"{arn}:PROD")
    assert described["routingConfiguration"] == route((f"{arn}:1", 0), (f"{arn}:2", 100))
    listed = states.list_state_machine_aliases(stateMachineArn=arn)["stateMachineAliases"]
    assert [one["stateMachineAliasArn"] for one in listed] == [f"{arn}:PROD"]
    code, message = refused(states.delete_state_machine_version, stateMachineVersionArn=f"{arn}:2")
    assert code == "ConflictException"
    assert message.endswith("[PROD]")
    states.delete_state_machine_alias(stateMachineAliasArn=f"{arn}:PROD")
    states.delete_state_machine_version(stateMachineVersionArn=f"{arn}:2")
    assert refused(states.describe_state_machine_alias, stateMachineAliasArn=f"{arn}:PROD")[0] == "ResourceNotFound"
    assert refused(states.start_execution, stateMachineArn=f"{arn}:2")[0] == "StateMachineDoesNotExist"


def test_the_alias_made_last_is_listed_first(states: Any, machine: Machines) -> None:
    """As the API reference's page of ListStateMachineAliases says."""
    arn = machine(PASS, publish=True)
    for name in ("B", "C", "A"):
        states.create_state_machine_alias(name=name, routingConfiguration=route((f"{arn}:1", 100)))
    first = states.list_state_machine_aliases(stateMachineArn=arn, maxResults=2)
    rest = states.list_state_machine_aliases(stateMachineArn=arn, nextToken=first["nextToken"])
    listed = first["stateMachineAliases"] + rest["stateMachineAliases"]
    assert [one["stateMachineAliasArn"].rpartition(":")[2] for one in listed] == ["A", "C", "B"]


def test_weights_must_come_to_100_and_versions_must_be_there(states: Any, machine: Machines) -> None:
    arn = machine(PASS, publish=True)
    for routing, code in (
        (route((f"{arn}:1", 90)), "ValidationException"),
        (route((f"{arn}:1", 50), (f"{arn}:1", 50)), "ValidationException"),
        (route((arn, 100)), "ValidationException"),
        (route((f"{arn}:9", 100)), "ResourceNotFound"),
    ):
        assert refused(states.create_state_machine_alias, name="A", routingConfiguration=routing)[0] == code
    states.create_state_machine_alias(name="A", routingConfiguration=route((f"{arn}:1", 100)))
    states.create_state_machine_alias(name="A", routingConfiguration=route((f"{arn}:1", 100)))
    found = refused(
        states.create_state_machine_alias, name="A", routingConfiguration=route((f"{arn}:1", 100)), description="other"
    )
    assert found[0] == "ConflictException"
    assert refused(states.create_state_machine_alias, name="12", routingConfiguration=route((f"{arn}:1", 100)))[0] == (
        "ValidationException"
    )
