"""Distributed Map: what is read, what is written, who runs at once, whose failure is tolerated, and the children."""

import json

import pytest

from helpers import engine
from tests.engine.driving import Driven, details, machine, passing, seconds, task, types

READER = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "b", "Key.$": "$.key"}}
WRITER = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b", "Prefix": "out"}}
BOOM = engine.TaskFailed("Boom", "because")


def each(child="STANDARD", item=None, **fields):
    config = {"Mode": "DISTRIBUTED", "ExecutionType": child}
    processor = {**machine(I=item or task()), "ProcessorConfig": config}
    return {"Type": "Map", "ItemProcessor": processor, **({} if "Next" in fields else {"End": True}), **fields}


@pytest.mark.parametrize("child", ["STANDARD", "EXPRESS"])
def test_each_item_is_a_child_with_a_history(child):
    run = engine.run(machine(each(child)), [1, 2], lambda call: call.parameters * 10)
    assert run.output == [10, 20]
    assert types(run)[2:6] == ["MapStateStarted", "MapRunStarted", "MapRunSucceeded", "MapStateSucceeded"]
    assert [one.output for one in run.children] == [10, 20]
    for one in run.children:
        assert types(one)[:2] == ["ExecutionStarted", "TaskStateEntered"]
        assert types(one)[-2:] == ["TaskStateExited", "ExecutionSucceeded"]
    names = [one.execution.identity for one in run.children]
    assert len({name.arn for name in names}) == 2
    assert all((":express:" in name.arn) is (child == "EXPRESS") for name in names)


def test_items_are_read_and_results_written_by_calls_of_the_map():
    calls = []

    def answer(call):
        calls.append((call.kind, call.state, call.resource, call.parameters))
        if call.kind == "read":
            assert call.config == {"InputType": "JSON", "MaxItems": 2}
            return [1, 2, 3]
        if call.kind == "write":
            assert [json.loads(one["Output"]) for one in call.results] == [1, 2]
            assert {(one["StartDate"][11:19], one["StopDate"][11:19]) for one in call.results} == {
                ("00:00:00", "00:00:03")
            }
            assert {one["RedriveStatus"] for one in call.results} == {"NOT_REDRIVABLE"}
            assert call.map_run.most == 10_000
            return {"ResultWriterDetails": {"Bucket": "b", "Key": "out/manifest.json"}}
        return engine.Answer(call.parameters, 3)

    state = each(ItemReader={**READER, "ReaderConfig": {"InputType": "JSON", "MaxItems": 2}}, ResultWriter=WRITER)
    run = engine.run(machine(state), {"key": "k"}, answer)
    assert run.output == {"ResultWriterDetails": {"Bucket": "b", "Key": "out/manifest.json"}}
    assert calls[0] == ("read", "A", READER["Resource"], {"Bucket": "b", "Key": "k"})
    assert calls[-1] == ("write", "A", WRITER["Resource"], {"Bucket": "b", "Prefix": "out"})
    assert [call[1] for call in calls[1:-1]] == ["I", "I"]


@pytest.mark.parametrize(
    ("form", "of_a_success"), [("NONE", "all"), ("COMPACT", [[1, 2]]), ("FLATTEN", [1, 2]), (None, [[1, 2]])]
)
def test_results_hold_all_of_a_failed_child_and_of_the_others_what_their_form_says(form, of_a_success):
    writer = {"WriterConfig": {"Transformation": form, "OutputType": "JSON"}} if form else {"WriterConfig": {}}

    def answer(call):
        if call.parameters == "bad":
            raise BOOM
        return call.parameters

    state = each(ResultWriter=writer, ToleratedFailurePercentage=100)
    *good, bad = engine.run(machine(state), [[1, 2], "bad"], answer).output
    assert (bad["Status"], bad["Error"], bad["Cause"]) == ("FAILED", "Boom", "because")
    if of_a_success == "all":
        assert [(one["Status"], json.loads(one["Output"])) for one in good] == [("SUCCEEDED", [1, 2])]
    else:
        assert good == of_a_success


def test_a_mapping_answers_the_map_too():
    run = engine.run(machine(each(ItemReader=READER)), {"key": "k"}, {"A": engine.Answer([1, 2], 3), "I": 7})
    assert (run.output, seconds(run)[-1]) == ([7, 7], 3)


def test_items_that_cannot_be_read():
    catch = [{"ErrorEquals": ["States.ItemReaderFailed"], "Next": "Z"}]
    definition = machine(A=each(ItemReader=READER, Catch=catch), Z=passing())
    for answer in ("neither list nor object", engine.TaskFailed("States.ItemReaderFailed", "no such key")):
        run = engine.run(definition, {"key": "k"}, {"A": answer})
        assert run.output["Error"] == "States.ItemReaderFailed"
        assert "MapRunFailed" in types(run)


def test_fewer_than_no_items_are_not_read():
    state = each(ItemReader={**READER, "ReaderConfig": {"InputType": "JSON", "MaxItemsPath": "$.n"}})
    run = engine.run(machine(state), {"key": "k", "n": -1}, {"A": [1], "I": 7})
    assert (run.error, run.cause) == ("States.ItemReaderFailed", "field MaxItems must be positive")
    assert engine.run(machine(state), {"key": "k", "n": 0}, {"A": engine.Answer([1], 0), "I": 7}).output == [7]


def test_results_that_cannot_be_written():
    answers = {"A": engine.TaskFailed("States.ResultWriterFailed", "no such bucket"), "I": 1}
    run = engine.run(machine(each(ResultWriter=WRITER)), [1], answers)
    assert (run.status, run.error) == ("FAILED", "States.ResultWriterFailed")


def test_selector_and_batches():
    selector = {"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value", "of.$": "$.of"}
    batcher = {"MaxItemsPerBatch": 2, "BatchInput": {"all.$": "$.of"}}
    state = each(ItemsPath="$.items", ItemSelector=selector, ItemBatcher=batcher, item=passing())
    run = engine.run(machine(state), {"of": "x", "items": ["a", "b", "c"]})
    assert run.output == [
        {"BatchInput": {"all": "x"}, "Items": [{"i": 0, "v": "a", "of": "x"}, {"i": 1, "v": "b", "of": "x"}]},
        {"BatchInput": {"all": "x"}, "Items": [{"i": 2, "v": "c", "of": "x"}]},
    ]


def test_batches_are_bounded_by_bytes():
    state = each(ItemBatcher={"MaxInputBytesPerBatch": 60}, item=passing())
    run = engine.run(machine(state), ["x" * 20] * 5)
    sizes = [len(one["stateEnteredEventDetails"]["input"]) for child in run.children for one in child.events[1:2]]
    assert [len(one["Items"]) for one in run.output] == [2, 2, 1]
    assert max(sizes) <= 60


@pytest.mark.parametrize(("most", "end"), [(1, 15), (2, 10), (0, 5)])
def test_so_many_children_run_at_once(most, end):
    run = engine.run(machine(each(MaxConcurrency=most)), [1, 2, 3], lambda call: engine.Answer(1, 5))
    assert seconds(run)[-1] == end


# ---- failures


def failing(numbers):
    def answer(call):
        if call.parameters in numbers:
            raise engine.TaskFailed("Boom", seconds=call.parameters)
        return engine.Answer(call.parameters, 100)

    return answer


@pytest.mark.parametrize(
    ("fields", "failures", "status"),
    [
        ({}, [1], "FAILED"),
        ({"ToleratedFailureCount": 1}, [1], "SUCCEEDED"),
        ({"ToleratedFailureCount": 1}, [1, 2], "FAILED"),
        ({"ToleratedFailurePercentage": 50}, [1, 2], "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 50}, [1, 2, 3], "FAILED"),
        ({"ToleratedFailurePercentage": 50, "ToleratedFailureCount": 1}, [1, 2], "FAILED"),
    ],
)
def test_what_is_tolerated(fields, failures, status):
    run = engine.run(machine(each(**fields)), [1, 2, 3, 4], failing(failures))
    assert run.status == status
    if status == "FAILED":
        assert run.error == "States.ExceedToleratedFailureThreshold"
        assert types(run)[-3:] == ["MapRunFailed", "MapStateFailed", "ExecutionFailed"]
        assert seconds(run)[-1] == max(failures)  # it is stopped, and waits for nobody
        assert {one.status for one in run.children} == {"FAILED", "ABORTED"}
        stopped = next(one for one in run.children if one.status == "ABORTED")
        assert types(stopped)[-1] == "ExecutionAborted"


def test_what_is_left_is_not_begun_after_too_many_failures():
    run = engine.run(machine(each(MaxConcurrency=1)), [1, 2, 3], failing([1]))
    assert [one.status for one in run.children] == ["FAILED"]


def test_a_caught_map_run_goes_on():
    state = each(Catch=[{"ErrorEquals": ["States.ExceedToleratedFailureThreshold"], "Next": "Z"}])
    assert engine.run(machine(A=state, Z=passing()), [1], {"I": BOOM}).status == "SUCCEEDED"


def test_a_stop_ends_the_children_too():
    driven = Driven(machine(each()), [1, 2])
    assert len(driven.calls) == 2
    driven.stop()
    (run,) = driven.execution.map_runs
    assert (run.status, {child.status for child in run.children}) == ("ABORTED", {"ABORTED"})
    assert (types(driven)[-1], driven.events[-1]["previousEventId"]) == ("ExecutionAborted", 0)
    assert not any(call.open for call in driven.calls)


def test_concurrency_and_tolerance_can_be_changed_while_it_runs():
    driven = Driven(machine(each(MaxConcurrency=1)), [1, 2, 3])
    (run,) = driven.execution.map_runs
    assert len(run.children) == 1
    run.concurrency, run.count = 3, 3
    run.changed()
    driven.settle()
    assert len(run.children) == 3
    for call in driven.calls:
        call.fail("Boom")
    driven.settle()
    assert driven.execution.status == "SUCCEEDED"


# ---- redrive


def test_a_redriven_map_run_does_again_what_failed():
    driven = Driven(machine(each()), [1, 2])
    driven.calls[0].succeed("one")
    driven.settle()
    driven.calls[1].fail("Boom")
    driven.settle()
    assert driven.execution.status == "FAILED"
    driven.redrive()
    (run,) = driven.execution.map_runs
    assert (run.redrives, len(run.children), len(driven.calls)) == (1, 2, 3)
    driven.calls[2].succeed("two")
    driven.settle()
    assert json.loads(driven.execution.output) == ["one", "two"]
    assert details(driven, "MapRunRedriven") == [{"mapRunArn": run.arn, "redriveCount": 1}]
    assert (run.counts["succeeded"], sum(run.counts.values())) == (2, 2)
    after = types(driven)[types(driven).index("ExecutionRedriven") :]
    assert after == [
        "ExecutionRedriven",
        "MapRunRedriven",
        "MapRunSucceeded",
        "MapStateSucceeded",
        "MapStateExited",
        "ExecutionSucceeded",
    ]
    child = run.children[1]
    assert "ExecutionRedriven" in types(child)


def test_express_children_begin_anew():
    driven = Driven(machine(each("EXPRESS")), [1, 2])
    driven.calls[0].succeed("one")
    driven.settle()
    driven.calls[1].fail("Boom")
    driven.settle()
    driven.redrive()
    (run,) = driven.execution.map_runs
    assert len(run.children) == 3
    driven.calls[2].succeed("two")
    driven.settle()
    assert json.loads(driven.execution.output) == ["one", "two"]


def test_where_nothing_was_read_a_redrive_begins_a_new_map_run():
    driven = Driven(machine(each(ItemReader=READER)), {"key": "k"})
    driven.calls[0].fail("States.ItemReaderFailed")
    driven.settle()
    driven.redrive()
    assert len(driven.execution.map_runs) == 2
    driven.calls[1].succeed([])
    driven.settle()
    assert driven.execution.output == "[]"


OF_CONTEXT = {"key.$": "$$.Map.Item.Key", "value.$": "$$.Map.Item.Value", "index.$": "$$.Map.Item.Index"}
PAIRS = {"b": {"x": 2}, "a": 1}


@pytest.mark.parametrize(
    ("fields", "data"),
    [({}, PAIRS), ({"ItemsPath": "$.inner"}, {"inner": PAIRS}), ({"ItemReader": READER}, {"key": "k"})],
)
def test_each_pair_of_an_object_is_an_item(fields, data):
    run = engine.run(machine(each(item=passing(), **fields)), data, {"A": PAIRS})
    assert run.output == [{"Key": "b", "Value": {"x": 2}}, {"Key": "a", "Value": 1}]
    [started] = details(run, "MapStateStarted")
    assert started["length"] == (0 if "ItemReader" in fields else 2)
    run = engine.run(machine(each(item=passing(), ItemSelector=OF_CONTEXT, **fields)), data, {"A": PAIRS})
    assert run.output == [{"key": "b", "value": {"x": 2}, "index": 0}, {"key": "a", "value": 1, "index": 1}]


@pytest.mark.parametrize("items", [{"b": 2, "a": "{% 1 %}"}, "{% {'b': 2, 'a': 1} %}"])
def test_items_may_be_an_object(items):
    run = engine.run({**machine(each(item=passing(), Items=items)), "QueryLanguage": "JSONata"})
    assert run.output == [{"Key": "b", "Value": 2}, {"Key": "a", "Value": 1}]


@pytest.mark.parametrize(
    ("fields", "source"),
    [
        ({"ItemsPath": "$.items"}, "STATE_DATA"),
        ({"ItemReader": READER}, "S3://b/k"),
        ({"ItemReader": {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "b"}}}, "S3://b"),
    ],
)
def test_the_context_says_where_an_item_comes_from(fields, source):
    state = each(item=passing(), ItemSelector={"s.$": "$$.Map.Item.Source"}, **fields)
    run = engine.run(machine(state), {"key": "k", "items": [1]}, {"A": engine.Answer([1])})
    assert run.output == [{"s": source}]


def test_a_failed_batch_counts_each_of_its_items_and_gives_how_it_failed():
    failing = {
        "I": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.Items[0]", "NumericEquals": 3, "Next": "F"}],
            "Default": "S",
        },
        "F": {"Type": "Fail", "Error": "Boom", "Cause": "because"},
        "S": {"Type": "Succeed"},
    }
    state = each(ItemBatcher={"MaxItemsPerBatch": 2})
    state["ItemProcessor"]["States"] = failing
    run = engine.run(machine({**state, "ToleratedFailureCount": 1}), [1, 2, 3, 4, 5])
    assert (run.status, run.error) == ("FAILED", "States.ExceedToleratedFailureThreshold")
    run = engine.run(machine({**state, "ToleratedFailurePercentage": 40}), [1, 2, 3, 4, 5])
    assert run.output == [{"Items": [1, 2]}, {"Status": "FAILED", "Error": "Boom", "Cause": "because"}, {"Items": [5]}]
