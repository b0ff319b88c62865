"""`explore` on a place: executions by ARN, running ones, log lines, executions inside, lists, and denials."""

import contextlib
import json
import re
from datetime import timedelta

import boto3
import pytest

from helpers import calls, deploy, execution
from helpers.errors import NotAllowed, NotFound
from helpers.lab import Lab
from helpers.workbench import explore, log_lines, screen
from helpers.workbench.listing import newest
from helpers.workbench.moments import Moments
from tests.sandbox.test_identities import policy, user
from tests.workbench.test_explore import html_of, moment

SOME_FAIL = {
    "StartAt": "Which",
    "States": {
        "Which": {
            "Type": "Choice",
            "Choices": [
                {"Or": [{"Variable": "$", "NumericEquals": bad} for bad in (17, 500)], "Next": "Spoilt"},
                {"Variable": "$", "NumericEquals": 999, "Next": "Late"},
            ],
            "Default": "Fine",
        },
        "Spoilt": {"Type": "Fail", "Error": "Spoilt", "Cause": "it is 17 or 500"},
        "Late": {"Type": "Fail", "Error": "Late", "Cause": "it is 999"},
        "Fine": {"Type": "Succeed"},
    },
}


@pytest.fixture(scope="module")
def deployed(lab):
    """ARNs of machines: one that calls a function, one that waits an hour, a nesting one, one with a Map Run."""
    role = deploy.role("explored", service="states", lab=lab)
    quick = deploy.deploy("orders", "explored-orders", lab=lab).arn
    lasting = {"StartAt": "Pause", "States": {"Pause": {"Type": "Wait", "Seconds": 3600, "End": True}}}
    inner = {"StartAt": "In", "States": {"In": {"Type": "Pass", "End": True}}}
    machines = {"orders": quick, "lasting": deploy.state_machine("explored-lasting", lasting, role=role, lab=lab)}
    machines["inner"] = deploy.state_machine("explored-inner", inner, role=role, lab=lab)
    nesting = {
        "StartAt": "Start",
        "States": {
            "Start": {
                "Type": "Task",
                "Resource": "arn:aws:states:::states:startExecution.sync:2",
                "Parameters": {"StateMachineArn": machines["inner"], "Input": {"a": 1}},
                "End": True,
            }
        },
    }
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **SOME_FAIL}
    each = {"Type": "Map", "ItemProcessor": processor, "ItemsPath": "$.items", "ToleratedFailurePercentage": 100}
    mapping = {"StartAt": "Each", "States": {"Each": {**each, "ResultPath": None, "End": True}}}
    for name, machine in {"nesting": nesting, "mapping": mapping}.items():
        made = deploy.deploy(machine, f"explored-{name}", lab=lab)
        machines[name] = made.arn
    yield machines
    deploy.tear_down(lab)


@pytest.fixture(scope="module")
def failed(deployed, lab):
    """The ARN of an execution in which the second order could not be packed."""
    orders = [{"order": 1, "do": "well"}, {"order": 2, "do": "raise"}]
    with lab.fast_forward():
        arn = execution.start(deployed["orders"], {"orders": orders}, lab=lab)
        execution.wait(arn, progress=False, lab=lab)
    return arn


def press(shown, words):
    """Press the button with these words among those offered for the moment."""
    button = next(one for one in shown.tools.box.children if getattr(one, "description", "") == words)
    button.click()


def test_an_arn_opens_on_what_ended_it_with_its_own_definition(failed, lab):
    shown = explore(failed, lab=lab)
    assert shown.view.events["type"].iat[shown._shown.position - 1] == "TaskFailed"
    assert "<span>attempt</span> 3 of 3" in moment(shown)
    assert "Done" in moment(shown)
    assert "FAILED" in shown._shown._header.value
    assert f"--execution-arn {failed}" in screen.further(shown.view)


def test_log_lines_are_those_of_the_attempt_by_its_request_id(failed, lab):
    shown = explore(failed, lab=lab)
    screen = shown._shown
    found = []
    for position in range(1, len(shown.view.events) + 1):
        if shown.view.events["type"].iat[position - 1] == "TaskFailed":
            shown.go(position)
            press(screen, "Log lines")
            found.append(moment(shown))
    assert len(found) == 3
    for text in found:
        assert "Of request" in text
        assert text.count("START RequestId") == 1
        assert "REPORT RequestId" in text
    assert len({text.split("Of request ")[1][:36] for text in found}) == 3


def test_log_lines_without_a_request_id_are_matched_by_time_and_say_so(failed, lab):
    view = explore(failed, lab=lab).view
    tries = view.attempts[view.attempts["status"] == "failed"]
    first = tries.iloc[0]
    function = log_lines.called_function(view.events_of(first))
    for request, why in ((None, "the history holds no request id"), ("gone", "its lines are not in the log")):
        found = log_lines.lines_of(function, request, first["scheduled"], first["ended"], lab)
        assert found.how == f"Matched by time, because {why}: others' lines may be among them."
        assert any("OutOfStock" in line for _, line in found.lines)
        assert all(
            first["scheduled"] <= stamp <= first["ended"] + timedelta(milliseconds=1) for stamp, _ in found.lines
        )


def test_a_running_execution_opens_on_its_open_visit(deployed, lab):
    arn = execution.start(deployed["lasting"], {}, lab=lab)
    try:
        shown = explore(arn, lab=lab)
        header = shown._shown._header.value
        assert re.search(r"<p>Pause waits, 3,?[56]\d\d s to go", header)
        assert "RUNNING" in header
        assert shown.view.events["state"].iat[shown._shown.position - 1] == "Pause"
        assert "waiting: Pause" in moment(shown)
    finally:
        execution.stop(arn, lab=lab)
    shown._shown._again()
    assert "ABORTED" in shown._shown._header.value


def test_a_task_between_two_attempts_names_the_next_one(deployed, lab):
    machine = deploy.deploy("orders", "explored-slow", lab=lab)
    body = json.loads(calls.client(lab).describe_state_machine(stateMachineArn=machine.arn)["definition"])
    task = body["States"]["EachOrder"]["ItemProcessor"]["States"]["Pack"]
    task["Retry"] = [{"ErrorEquals": ["OutOfStock"], "IntervalSeconds": 900}]
    calls.client(lab).update_state_machine(stateMachineArn=machine.arn, definition=json.dumps(body))
    arn = execution.start(machine.arn, {"orders": [{"order": 1, "do": "raise"}]}, lab=lab)
    try:
        for event in execution.follow(arn, lab=lab):
            if event["type"] == "TaskFailed":
                break
        header = explore(arn, lab=lab)._shown._header.value
        assert re.search(r"Pack in EachOrder#1\[0\] waits to try again, attempt 2 of 4, in [89]\d\d\.\d s", header)
    finally:
        execution.stop(arn, lab=lab)


def test_an_execution_inside_opens_in_place_and_leads_back(deployed, lab):
    arn = execution.start(deployed["nesting"], {}, lab=lab)
    execution.wait(arn, progress=False, lab=lab)
    shown = explore(arn, lab=lab)
    screen = shown._shown
    shown.go(3)
    press(screen, "Executions inside")
    chosen, opening = screen.tools.box.children
    assert len(chosen.options) == 1
    before = screen.box.children
    opening.click()
    inner = screen.box.children[0]
    assert chosen.value.split(":")[-1] in inner.children[2].value
    back = inner.children[1].children[0]
    assert back.description == "Back"
    back.click()
    assert screen.box.children == before


def texts(widget):
    """Every text that a widget and those in it show."""
    if isinstance(widget, Moments):
        return html_of(widget)
    value = getattr(widget, "value", "")
    return "".join([value if isinstance(value, str) else "", *map(texts, getattr(widget, "children", ()))])


def test_of_a_thousand_children_the_failed_ones_come_first_are_grouped_and_open_in_place(deployed, lab):
    arn = execution.start(deployed["mapping"], {"items": list(range(1_000))}, lab=lab)
    execution.wait(arn, progress=False, lab=lab)
    shown = explore(arn, lab=lab)
    before = calls.made.total()
    runs = shown._shown.map_runs
    (listing,) = runs.box.children
    listing.click()
    assert "1,000 children of 1,000 items; 3 failed, 997 succeeded" in runs._said.value
    assert [label.split()[0] for label, _ in runs.found.options] == ["FAILED"] * 3 + ["SUCCEEDED"] * 47
    failed = [arn for _, arn in runs.found.options[:3]]
    runs._group()
    assert [label for label, _ in runs.groups.options[1:]] == [
        "2 x Spoilt: it is 17 or 500  ($0.000100)",
        "1 x Late: it is 999  ($0.000050)",
    ]
    assert len(runs.found.options) == 2
    assert runs.found.value in failed
    runs._chosen()
    child = texts(shown._shown.box)
    assert "Spoilt" in child
    assert "MapStateEntered" not in child
    assert calls.made.total() - before < 30


def test_a_machine_lists_its_executions_by_status_and_by_a_text(deployed, failed, lab):
    for what in (deployed["orders"], deployed["orders"].split(":")[-1], "explored-orders"):
        listing = explore(what, lab=lab)._shown
        assert [arn for _, arn in listing.executions.options] == [failed]
    listing.status.value = "SUCCEEDED"
    assert not listing.executions.options
    assert "No execution of this machine has that status" in listing._said.value
    listing.status.value = "FAILED"
    listing.words.value = "nothing like it"
    assert not listing.executions.options
    listing.words.value = failed.split(":")[-1][:10].upper()
    listing.executions.index = 0
    listing._open()
    assert len(listing.box.children) == 1


def test_without_anything_the_machines_are_listed(deployed, lab):
    listing = explore(lab=lab)._shown
    assert set(deployed.values()) <= {arn for _, arn in listing.machine.options}
    with pytest.raises(NotFound, match="no state machine named"):
        explore("no-such-machine", lab=lab)


@contextlib.contextmanager
def restricted(lab, *actions):
    """The same place for somebody who may do only these actions."""
    with user(lab, policy("Allow", list(actions))) as keys:
        session = boto3.Session(region_name=lab.region, **keys)
        allowed = Lab(lab.target, session, lab.account, "arn:aws:iam::1:user/someone", lab.prefix)
        allowed.client = lambda service, **options: lab.client(service, **keys, **options)
        allowed.now = lab.now
        yield allowed


READING = {"states:DescribeExecution", "states:GetExecutionHistory", "states:DescribeStateMachineForExecution"}


@pytest.mark.parametrize(
    ("denied", "left_out"),
    [
        ("states:DescribeExecution", "execution as a whole is left out"),
        ("states:GetExecutionHistory", "Events, diagram and timeline are left out"),
        ("states:DescribeStateMachineForExecution", "definition is left out"),
    ],
)
def test_a_denied_permission_takes_away_its_part_with_a_sentence(failed, lab, denied, left_out):
    with restricted(lab, *(READING - {denied})) as allowed:
        shown = explore(failed, lab=allowed)
        header = shown._shown._header.value
        assert left_out in header
        assert denied in header
        assert "FAILED" in header
        if denied == "states:GetExecutionHistory":
            assert "order" in header
            assert shown._repr_mimebundle_()["text/html"]
            assert shown.report()
        else:
            assert "Pack" in moment(shown)
            press(shown._shown, "Log lines")
            assert "log lines are left out" in moment(shown)
            assert "logs:FilterLogEvents" in moment(shown)


def test_lists_that_are_denied_say_so(deployed, lab):
    with restricted(lab, "states:ListStateMachines") as allowed:
        listing = explore(lab=allowed)._shown
        assert "states:ListExecutions" in listing._said.value
        assert listing.machine.options
    with restricted(lab, "states:DescribeExecution") as allowed:
        listing = explore(lab=allowed)._shown
        assert "states:ListStateMachines" in listing._said.value
        assert "give the ARN" in listing._said.value


def test_where_nothing_may_be_read_that_is_the_error(failed, lab):
    with restricted(lab, "s3:ListBuckets") as allowed, pytest.raises(NotAllowed, match="states:"):
        explore(failed, lab=allowed)


def test_an_execution_that_cannot_be_read_again_says_so_once(failed, lab):
    with restricted(lab, *READING) as allowed:
        shown = explore(failed, lab=allowed)._shown
    for _ in range(3):  # the keys are gone
        shown._again()
    assert shown._header.value.count('<p class="note">') == 1
    assert "FAILED" in shown._header.value


EXPRESS = {"StartAt": "Fine", "States": {"Fine": {"Type": "Pass", "Result": "well done", "End": True}}}


@pytest.fixture
def logged(deployed, lab):
    """An Express machine, a function that lets it log at a level, and the ARN of an execution that ended."""
    logs = lab.client("logs")
    name = f"/{lab.prefix}express"
    logs.create_log_group(logGroupName=name)
    arn = f"arn:aws:logs:{lab.region}:{lab.account}:log-group:{name}:*"
    role = deploy.role("express", service="states", lab=lab)
    allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}
    lab.client("iam").put_role_policy(
        RoleName=role.split("/")[-1], PolicyName="logs", PolicyDocument=json.dumps(allowed)
    )
    states = lab.client("stepfunctions")

    def level(level, data=True):
        destination = {"cloudWatchLogsLogGroup": {"logGroupArn": arn}}
        return {"level": level, "includeExecutionData": data, "destinations": [destination]}

    given = {"name": lab.name("express"), "definition": json.dumps(EXPRESS), "roleArn": role, "type": "EXPRESS"}
    machine = states.create_state_machine(**given, loggingConfiguration=level("ALL"))["stateMachineArn"]
    run = states.start_sync_execution(stateMachineArn=machine)["executionArn"]
    yield (
        machine,
        run,
        lambda *asked: states.update_state_machine(stateMachineArn=machine, loggingConfiguration=level(*asked)),
    )
    states.delete_state_machine(stateMachineArn=machine)
    logs.delete_log_group(logGroupName=name)


def test_an_express_execution_is_read_from_its_machines_log(lab, logged):
    machine, run, set_level = logged
    listing = explore(machine, lab=lab)._shown
    assert [arn for _, arn in listing.executions.options] == [run] == [newest(machine, lab)]
    listing.status.value = "FAILED"
    assert listing.executions.options == ()
    page = f"https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1#/express-executions/details/{run}"
    for what in (run, f"{page}?startDate=1767225600000"):
        view = explore(what, lab=lab).view
        assert (view.status, view.arn, view.definition) == ("SUCCEEDED", run, EXPRESS)
        assert view.visits[["state", "output"]].to_numpy().tolist() == [["Fine", '"well done"']]
        assert view.notes == []
    set_level("FATAL", False)
    assert [note.split(" logs ")[1][:14] for note in explore(run, lab=lab).view.notes] == [
        "events of leve",
        "no execution d",
    ]
    with pytest.raises(NotFound, match="holds nothing of the Express execution"):
        explore(f"{run}x", lab=lab)
    set_level("OFF")
    with pytest.raises(NotFound, match="level ALL"):
        explore(run, lab=lab)
    assert "level ALL" in explore(machine, lab=lab)._shown.still()


def test_a_map_run_is_opened_as_the_list_of_its_children(deployed, lab):
    inner = {"StartAt": "Break", "States": {"Break": {"Type": "Fail", "Error": "Broken"}}}
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **inner}
    each = {"Type": "Map", "ItemsPath": "$", "ItemProcessor": processor, "End": True}
    machine = deploy.deploy({"StartAt": "Each", "States": {"Each": each}}, "children", lab=lab).arn
    run = execution.start(machine, [1, 2], lab=lab)
    execution.wait(run, timeout=30, progress=False, lab=lab)
    (found,) = lab.client("stepfunctions").list_map_runs(executionArn=run)["mapRuns"]
    listing = explore(found["mapRunArn"], lab=lab)._shown
    children = [arn for _, arn in listing.executions.options]
    assert len(children) >= 1
    listing.executions.index = 0
    listing._open()
    failed = [arn for line, arn in listing.executions.options if line.startswith("FAILED")]
    assert newest(found["mapRunArn"], lab) in failed


def test_what_names_an_execution_becomes_a_list_that_fetches_it(failed, lab):
    shown = explore({"detail": {"executionArn": failed}}, lab=lab)
    assert failed in repr(shown)
    assert "fetched" in shown._shown.still()
    shown._shown.executions.index = 0
    shown._shown._open()
    assert shown._shown.box.children[0] is not shown._shown._content[0]


@pytest.mark.parametrize(
    ("arn", "told"),
    [
        ("arn:aws:states:us-east-1:123456789012:execution:none:gone", "90 days"),
        ("arn:aws:states:eu-west-1:123456789012:execution:m:e", "eu-west-1"),
        ("arn:aws:states:eu-west-1:999999999999:execution:m:e", "account='999999999999', region='eu-west-1'"),
        ("arn:aws:states:us-east-1:123456789012:express:m:e:1", "Express"),
    ],
)
def test_an_execution_that_cannot_be_had_is_told_in_a_sentence(lab, arn, told):
    with pytest.raises(NotFound, match=told):
        explore(arn, lab=lab)
