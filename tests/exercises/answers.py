"""Answers to every exercise: right ones of different styles, mutants of the solution, likely slips, garbage."""

import copy
import datetime
import json
import linecache
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from helpers import definition, history

Mark = Literal["right", "wrong", "equivalent"]


@dataclass(frozen=True)
class Answer:
    """An answer, how it is to be judged (`equivalent` is a mutant that solves it too), and words that it must get."""

    exercise: str
    label: str
    mark: Mark
    value: Any
    about: Any = None
    words: str = ""

    def __str__(self) -> str:
        return f"{self.exercise}-{self.mark}-{self.label}"


ANSWERS: list[Answer] = []
Rows = Iterator[tuple[Any, ...]]  # label, mark, value, and perhaps words


def answers(exercise: str, about: Any = None) -> Callable[[Callable[[], Rows]], Callable[[], Rows]]:
    """Enter the rows that a function yields."""

    def entered(rows: Callable[[], Rows]) -> Callable[[], Rows]:
        for label, mark, value, *words in rows():
            ANSWERS.append(Answer(exercise, label, mark, value, about, *words))
        return rows

    return entered


def changed(raw: dict[str, Any], **places: Any) -> dict[str, Any]:
    """A copy of a definition with some places changed: `States__Main__Retry=[]`; `...` takes the field away."""
    made = copy.deepcopy(raw)
    for place, value in places.items():
        *way, last = place.split("__")
        holder: Any = made
        for step in way:
            holder = holder[int(step) if isinstance(holder, list) else step]
        if value is not ...:
            holder[int(last) if isinstance(holder, list) else last] = copy.deepcopy(value)
        elif isinstance(holder, list):
            del holder[int(last)]
        else:
            holder.pop(last, None)
    return made


def in_cell(text: str, name: str) -> Any:
    """The function `name` as a notebook's cell defines it: its source is that of the cell."""
    cell = f"<cell {len(linecache.cache)} of {name}>"
    linecache.cache[cell] = (len(text), None, text.splitlines(keepends=True), cell)
    space: dict[str, Any] = {"exercises": type("Stub", (), {"check": staticmethod(lambda *_: None)})}
    exec(compile(text, cell, "exec"), space)
    return space[name]


def seconds(*values: float) -> "pd.Series[Any]":
    return pd.to_timedelta(pd.Series(values), unit="s")


VISITS = pd.DataFrame(
    {
        "state": ["Main", "WaitforInvocation", "CheckInvocationsStatus", "Final"],
        "duration": seconds(0.03, 2.0, 0.0, 0.0),
    }
)


@answers("00-longest", VISITS)
def _longest() -> Rows:
    yield "written", "right", "WaitforInvocation"
    yield "idxmax", "right", VISITS.loc[VISITS["duration"].idxmax(), "state"]
    yield "sorted", "right", VISITS.sort_values("duration").iloc[-1]["state"]
    yield "another state", "wrong", "Main"
    yield "no state of it", "wrong", "Wait"
    yield "small letters", "wrong", "waitforinvocation", "capitals"
    yield "a space", "wrong", "WaitforInvocation ", "spaces"
    yield "a Series", "wrong", VISITS.loc[VISITS["duration"] == VISITS["duration"].max(), "state"], "iloc"
    yield "a row", "wrong", VISITS.loc[1], "Series"
    yield "the frame", "wrong", VISITS, "one value"
    yield "the duration", "wrong", VISITS["duration"].max(), "length of time"
    yield "a list", "wrong", ["WaitforInvocation"], "list"
    yield "a number", "wrong", 2.0, "name"


TIED = VISITS.assign(duration=seconds(2.0, 2.0, 0.0, 0.0))


@answers("00-longest", TIED)
def _tied() -> Rows:
    yield "the first of two that tie", "right", "Main"
    yield "the second of two that tie", "right", "WaitforInvocation"
    yield "none of those that tie", "wrong", "Final"


EVENTS = pd.DataFrame(
    {
        "id": range(1, 9),
        "state": [None, "Main", "Main", "Main", "Pause", "Pause", "Final", None],
        "elapsed": seconds(0, 0.01, 0.02, 0.05, 0.06, 2.07, 2.08, 2.08),
    }
)


@answers("00-outside", EVENTS)
def _outside() -> Rows:
    yield "written", "right", 2
    yield "sum of isna", "right", EVENTS["state"].isna().sum()
    yield "len of a filter", "right", len(EVENTS[EVENTS["state"].isna()])
    yield "a float", "equivalent", 2.0
    yield "one too many", "wrong", 3
    yield "the others", "wrong", EVENTS["state"].notna().sum()
    yield "a text", "wrong", "2", "quotes"
    yield "a mask", "wrong", EVENTS["state"].isna(), "Series"
    yield "a filter", "wrong", EVENTS[EVENTS["state"].isna()], "DataFrame"
    yield "a bool", "wrong", True, "number"
    yield "a missing value", "wrong", float("nan"), "missing value"
    yield "not called", "wrong", EVENTS["state"].isna().sum, "call it"
    yield "a list", "wrong", [2], "list"


READY = """
def lambda_handler(event, context):
    return {{"status": {}}}
"""


@answers("01-ready")
def _ready() -> Rows:
    get = READY.format('"success" if event.get("ready") else "running"')
    yield "get", "right", get
    yield "a set", "wrong", READY.format('{"success"}'), "JSON cannot hold"
    yield "an end of Python", "wrong", READY.format("__import__('os')._exit(1)"), "ended Python itself"
    yield "is True", "right", READY.format('"success" if event.get("ready") is True else "running"')
    yield (
        "if and else",
        "right",
        (
            "def lambda_handler(event, context):\n"
            "    if 'ready' in event and event['ready']:\n        return {'status': 'success'}\n"
            "    else:\n        return {'status': 'running'}\n"
        ),
    )
    yield "with a message", "equivalent", get.replace("}", ', "message": "hello"}')
    yield (
        "a function in a cell",
        "right",
        in_cell(f"{get}\nexercises.check('01-ready', lambda_handler)", "lambda_handler"),
    )
    yield (
        "a lambda in a cell",
        "right",
        in_cell(
            "words = {True: 'success'}\n"
            "lambda_handler = lambda event, context: {'status': words.get(event.get('ready'), 'running')}",
            "lambda_handler",
        ),
    )
    yield "KeyError on {}", "wrong", READY.format('"success" if event["ready"] else "running"'), "KeyError"
    yield "the wrong way round", "wrong", READY.format('"running" if event.get("ready") else "success"')
    yield "always success", "wrong", READY.format('"success"'), "running"
    yield "always running", "wrong", READY.format('"running"'), "success"
    yield "another word", "wrong", READY.format('"success" if event.get("ready") else "waiting"'), "running"
    yield (
        "a capital in the word",
        "wrong",
        READY.format('"Success" if event.get("ready") else "running"'),
        "small letters",
    )
    yield "a capital in the field", "wrong", get.replace('"status"', '"Status"'), "status, in small letters"
    yield "a text instead of a dict", "wrong", get.replace('{"status": ', "(").replace("}", ")"), "dict"
    yield "printed", "wrong", get.replace("return", "print(").replace("}", "})"), "returned nothing"
    yield "another name", "wrong", get.replace("lambda_handler", "handler"), "lambda_handler"
    yield (
        "a function of another name",
        "wrong",
        in_cell(get.replace("lambda_handler", "ready"), "ready"),
        "lambda_handler",
    )
    yield "no source to be found", "wrong", eval("lambda event, context: {'status': 'success'}"), "triple quotes"
    yield "a builtin", "wrong", print, "triple quotes"
    yield "one argument", "wrong", get.replace(", context", "")
    yield "no Python", "wrong", "def lambda_handler(event, context)\n    return 1", "line 1"
    yield "not closed", "wrong", "def lambda_handler(event, context):\n    return (", "line 2"
    yield "JavaScript's true", "wrong", READY.format('"success" if event.get("ready") == true else "running"')
    yield "its answer", "wrong", {"status": "success"}, "source"
    yield "raises at import", "wrong", "import nothing_of_that_name\n" + get, "lambda_handler"


NOT_READY = """
class NotReady(Exception):
    pass

def lambda_handler(event, context):
    if not event.get("ready"):
        raise NotReady("come back later")
    return {"status": "success"}
"""


@answers("01-not-ready")
def _not_ready() -> Rows:
    yield "the solution", "right", NOT_READY
    yield "of RuntimeError", "right", NOT_READY.replace("(Exception)", "(RuntimeError)")
    yield (
        "made by type",
        "right",
        (
            "NotReady = type('NotReady', (Exception,), {})\n"
            "def lambda_handler(event, context):\n"
            "    if event.get('ready'):\n        return {'status': 'success'}\n    raise NotReady\n"
        ),
    )
    yield "a function in a cell", "right", in_cell(NOT_READY + "\nmine = lambda_handler\n", "lambda_handler")
    yield "no message", "equivalent", NOT_READY.replace('("come back later")', "")
    yield "KeyError on {}", "wrong", NOT_READY.replace('.get("ready")', '["ready"]'), "KeyError"
    yield "no Exception", "wrong", NOT_READY.replace("(Exception)", "(BaseException)"), "made of Exception"
    yield "a plain Exception", "wrong", NOT_READY.replace("raise NotReady", "raise Exception"), "NotReady"
    yield "another class", "wrong", NOT_READY.replace("NotReady", "Waiting"), "Waiting"
    yield "a small letter", "wrong", NOT_READY.replace("NotReady", "notReady"), "NotReady"
    yield "says it", "wrong", READY.format('"success" if event.get("ready") else "running"'), "should raise"
    yield (
        "returns the exception's name",
        "wrong",
        NOT_READY.replace('raise NotReady("come back later")', 'return "NotReady"'),
    )
    yield "always raises", "wrong", NOT_READY.replace('if not event.get("ready")', "if True")
    yield "never raises", "wrong", NOT_READY.replace('if not event.get("ready")', "if False")
    yield "success is lost", "wrong", NOT_READY.replace("success", "ready"), "success"
    yield "class is missing", "wrong", NOT_READY.replace("class NotReady(Exception):\n    pass", ""), "NameError"
    yield "the class alone", "wrong", "class NotReady(Exception):\n    pass", "lambda_handler"


BUSY = definition.load("busy_wait")
WAIT = "States__WaitforInvocation"
CHOICES = "States__CheckInvocationsStatus__Choices"


class Typed:
    """What an editor holds, as far as a check looks at it."""

    def __init__(self, choice: str) -> None:
        gap = changed(BUSY, States__CheckInvocationsStatus="GAP")
        self.text = json.dumps(gap).replace('"GAP"', choice)


@answers("02-choice")
def _choice() -> Rows:
    rule = {"Variable": "$.status", "StringEquals": "success", "Next": "Final"}
    whole = {"Type": "Choice", "Choices": [rule], "Default": "WaitforInvocation"}
    yield "the solution", "right", Typed(json.dumps(whole))
    yield "as a dict", "right", BUSY
    unlike = {"Not": {"Variable": "$.status", "StringEquals": "success"}, "Next": "WaitforInvocation"}
    yield "the other way round", "right", Typed(json.dumps({**whole, "Choices": [unlike], "Default": "Final"}))
    yield "no JSON", "wrong", Typed("{'Type': 'Choice'}"), "in the editor"
    yield "empty", "wrong", Typed("{}"), "the Type Choice"
    yield "a Pass", "wrong", Typed('{"Type": "Pass", "Next": "Final"}'), "the Type Choice"
    yield "no default", "wrong", Typed(json.dumps({"Type": "Choice", "Choices": [rule]})), "Default"
    yield "the wrong word", "wrong", Typed(json.dumps(whole).replace('"success"', '"SUCCESS"')), "goes on waiting"
    yield "no such state", "wrong", Typed(json.dumps(whole).replace('"Final"', '"Finale"')), "Finale"
    yield "back to Main", "wrong", Typed(json.dumps({**whole, "Default": "Main"})), "back to Main"
    yield "always Final", "wrong", Typed(json.dumps({**whole, "Default": "Final"})), "`running`"
    yield "no path", "wrong", Typed(json.dumps(whole).replace("$.status", "status"))


@answers("02-five-seconds")
def _five_seconds() -> Rows:
    five = changed(BUSY, **{f"{WAIT}__Seconds": 5})
    yield "the solution", "right", five
    yield (
        "rebuilt",
        "right",
        BUSY
        | {
            "States": BUSY["States"]
            | {"WaitforInvocation": {"Type": "Wait", "Seconds": 5, "Next": "CheckInvocationsStatus"}}
        },
    )
    yield (
        "in JSONata",
        "right",
        changed(
            BUSY,
            **{
                WAIT: {
                    "Type": "Wait",
                    "QueryLanguage": "JSONata",
                    "Seconds": "{% 2 + 3 %}",
                    "Next": "CheckInvocationsStatus",
                }
            },
        ),
    )
    yield (
        "a function's ARN given",
        "right",
        definition.load("busy_wait", FunctionArn="arn:aws:lambda:us-east-1:111122223333:function:f")
        | {"States": five["States"]},
    )
    yield "a number of numpy", "equivalent", changed(BUSY, **{f"{WAIT}__Seconds": np.int64(5)})
    yield "with a comment", "equivalent", changed(five, **{f"{WAIT}__Comment": "five"})
    yield "Final is a Pass", "equivalent", changed(five, States__Final={"Type": "Pass", "End": True})
    yield "with a time-out", "equivalent", changed(five, TimeoutSeconds=600)
    yield "unchanged", "wrong", BUSY, "[2.0]"
    yield "six", "wrong", changed(BUSY, **{f"{WAIT}__Seconds": 6})
    yield "fifty", "wrong", changed(BUSY, **{f"{WAIT}__Seconds": 50})
    yield "a text", "wrong", changed(BUSY, **{f"{WAIT}__Seconds": "5"}), "quotes"
    yield "a Timedelta", "wrong", changed(BUSY, **{f"{WAIT}__Seconds": pd.Timedelta(seconds=5)}), "length of time"
    yield "a timedelta", "wrong", changed(BUSY, **{f"{WAIT}__Seconds": datetime.timedelta(seconds=5)}), "length of time"
    yield "a half", "wrong", changed(BUSY, **{f"{WAIT}__Seconds": 5.5}), "whole number"
    yield "negative", "wrong", changed(BUSY, **{f"{WAIT}__Seconds": -5}), "whole number"
    yield "a small letter", "wrong", changed(BUSY, **{f"{WAIT}__seconds": 5}), "Seconds"
    yield "the Wait is gone", "wrong", changed(BUSY, **{WAIT: ...}), "WaitforInvocation"
    yield (
        "two pauses",
        "wrong",
        changed(
            BUSY,
            States__Final={"Type": "Wait", "Seconds": 5, "End": True},
        ),
    )
    yield "at the task", "wrong", changed(BUSY, States__Main__Seconds=5)
    yield "no Seconds", "wrong", changed(BUSY, **{f"{WAIT}__Seconds": ...})
    yield "the pause leads to the end", "wrong", changed(five, **{f"{WAIT}__Next": "Final"}), "CheckInvocationsStatus"
    yield "Default leads to the end", "wrong", changed(five, States__CheckInvocationsStatus__Default="Final"), "running"
    yield "Next in small letters", "wrong", changed(five, **{f"{WAIT}__Next": "checkinvocationsstatus"}), "called"
    yield "another word", "wrong", changed(five, **{f"{CHOICES}__0__StringEquals": "succes"})
    yield "another variable", "wrong", changed(five, **{f"{CHOICES}__0__Variable": "$.state"})
    yield "Type in small letters", "wrong", changed(five, **{f"{WAIT}__Type": "wait"}), "written Wait"
    yield "the state alone", "wrong", five["States"]["WaitforInvocation"], "States"
    yield "the number alone", "wrong", 5, "definition"


ITS = {"Variable": "$.status", "StringEquals": "failed", "Next": "ItFailed"}
FAIL = {"Type": "Fail", "Error": "JobFailed"}
FAILED = changed(
    BUSY, **{CHOICES: [*BUSY["States"]["CheckInvocationsStatus"]["Choices"], ITS], "States__ItFailed": FAIL}
)


@answers("02-failed")
def _failed() -> Rows:
    rules = FAILED["States"]["CheckInvocationsStatus"]["Choices"]
    yield "the solution", "right", FAILED
    yield "rule first", "right", changed(FAILED, **{CHOICES: [ITS, rules[0]]})
    yield (
        "another name, no error",
        "right",
        changed(
            FAILED, **{f"{CHOICES}__1__Next": "Broken", "States__ItFailed": ..., "States__Broken": {"Type": "Fail"}}
        ),
    )
    yield (
        "an Or",
        "right",
        changed(
            FAILED, **{f"{CHOICES}__1": {"Or": [{k: ITS[k] for k in ("Variable", "StringEquals")}], "Next": "ItFailed"}}
        ),
    )
    yield (
        "a pattern",
        "equivalent",
        changed(FAILED, **{f"{CHOICES}__1": {"Variable": "$.status", "StringMatches": "fail*", "Next": "ItFailed"}}),
    )
    yield "another error", "equivalent", changed(FAILED, States__ItFailed__Error="Oh")
    yield "asks again", "equivalent", changed(FAILED, States__CheckInvocationsStatus__Default="Main")
    yield (
        "through a Pass",
        "equivalent",
        changed(FAILED, **{f"{CHOICES}__1__Next": "Note", "States__Note": {"Type": "Pass", "Next": "ItFailed"}}),
    )
    yield "unchanged", "wrong", BUSY, "rule"
    yield (
        "a Default that fails",
        "wrong",
        changed(BUSY, States__CheckInvocationsStatus__Default="ItFailed", States__ItFailed=FAIL),
        "running",
    )
    yield "fails on running", "wrong", changed(FAILED, **{f"{CHOICES}__1__StringEquals": "running"})
    yield "a capital", "wrong", changed(FAILED, **{f"{CHOICES}__1__StringEquals": "Failed"})
    yield "success fails too", "wrong", changed(FAILED, **{f"{CHOICES}__0__Next": "ItFailed"})
    yield "failed succeeds", "wrong", changed(FAILED, **{f"{CHOICES}__1__Next": "Final"}), "ItFailed"
    yield "ends in a Succeed", "wrong", changed(FAILED, States__ItFailed={"Type": "Succeed"}), "SUCCEEDED"
    yield (
        "ends in a task that breaks",
        "wrong",
        changed(FAILED, States__ItFailed={"Type": "Pass", "InputPath": "$.nowhere", "End": True}),
        "no Fail state",
    )
    yield "no such state", "wrong", changed(FAILED, States__ItFailed=...), "ItFailed"
    yield "a name's small letter", "wrong", changed(FAILED, **{f"{CHOICES}__1__Next": "itFailed"}), "ItFailed"
    yield (
        "a field's small letter",
        "wrong",
        changed(FAILED, **{f"{CHOICES}__1": {"variable": "$.status", "StringEquals": "failed", "Next": "ItFailed"}}),
        "Variable",
    )
    yield "no path", "wrong", changed(FAILED, **{f"{CHOICES}__1__Variable": "status"}), "begins with $"
    yield "the rule no list", "wrong", changed(FAILED, **{CHOICES: ITS}), "list"
    yield "no Next", "wrong", changed(FAILED, **{f"{CHOICES}__1__Next": ...})
    yield "a rule that is a text", "wrong", changed(FAILED, **{f"{CHOICES}__1": "failed"}), "dicts"
    yield "the rule alone", "wrong", ITS, "definition"


RETRY = {"ErrorEquals": ["ValueError"], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 1}
LAMBDA_RULE = BUSY["States"]["Main"]["Retry"][0]


def retrying(**rule: Any) -> dict[str, Any]:
    made = {key: value for key, value in {**RETRY, **rule}.items() if value is not ...}
    return changed(BUSY, States__Main__Retry=[LAMBDA_RULE, made])


@answers("03-retry")
def _retry() -> Rows:
    yield "the solution", "right", retrying()
    yield "first in the list", "right", changed(BUSY, States__Main__Retry=[RETRY, LAMBDA_RULE])
    yield "bounded by MaxDelaySeconds", "right", retrying(BackoffRate=..., MaxDelaySeconds=1)
    yield "a rate of 1.0", "equivalent", retrying(BackoffRate=1.0)
    yield "the default interval", "equivalent", retrying(IntervalSeconds=...)
    yield "another error beside it", "equivalent", retrying(ErrorEquals=["ValueError", "ZeroDivisionError"])
    yield "no jitter, said", "equivalent", retrying(JitterStrategy="NONE")
    yield "another time-out", "equivalent", changed(retrying(), States__Main__TimeoutSeconds=60)
    yield "unchanged", "wrong", BUSY, "1 attempt was made"
    yield "a field misspelt", "wrong", retrying(ErrorEquals=..., ErrorEqual=["ValueError"]), '"ErrorEquals"?'
    yield "jitter", "wrong", retrying(JitterStrategy="FULL"), "uneven"
    yield "60 s apart", "wrong", retrying(IntervalSeconds=60), "60.0"
    yield "2 s apart", "wrong", retrying(IntervalSeconds=2)
    yield "1 and 2 s", "wrong", retrying(BackoffRate=...), "BackoffRate"
    yield "1 and 1.5 s", "wrong", retrying(BackoffRate=1.5), "BackoffRate"
    yield "three attempts more", "wrong", retrying(MaxAttempts=3), "4 attempts"
    yield "one attempt more", "wrong", retrying(MaxAttempts=1), "2 attempts"
    yield "none", "wrong", retrying(MaxAttempts=0), "1 attempt was made"
    yield "the default of attempts", "wrong", retrying(MaxAttempts=...), "4 attempts"
    yield "every error", "wrong", retrying(ErrorEquals=["States.ALL"]), "KeyError"
    yield "every failed task", "wrong", retrying(ErrorEquals=["States.TaskFailed"]), "KeyError"
    yield "another error", "wrong", retrying(ErrorEquals=["KeyError"]), "1 attempt was made"
    yield "a small letter", "wrong", retrying(ErrorEquals=["valueError"]), "called ValueError"
    yield "a name, no list", "wrong", retrying(ErrorEquals="ValueError"), "list"
    yield "a number as text", "wrong", retrying(MaxAttempts="2"), "quotes"
    yield "a Timedelta", "wrong", retrying(IntervalSeconds=pd.Timedelta("1s")), "length of time"
    yield "no ErrorEquals", "wrong", retrying(ErrorEquals=...)
    yield "a field's letter", "wrong", retrying(MaxAttempts=..., maxAttempts=2), "MaxAttempts"
    yield "Retry is a dict", "wrong", changed(BUSY, States__Main__Retry=RETRY), "list"
    yield "at the Wait", "wrong", changed(BUSY, States__WaitforInvocation__Retry=[RETRY])
    yield (
        "caught",
        "wrong",
        changed(retrying(), States__Main__Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Final"}]),
        "SUCCEEDED",
    )
    yield "no Main", "wrong", changed(BUSY, States__Main=...)


LISTED = pd.DataFrame({"name": list("abcde"), "status": ["SUCCEEDED", "FAILED", "SUCCEEDED", "ABORTED", "SUCCEEDED"]})


@answers("03-count", LISTED)
def _count() -> Rows:
    yield "written", "right", 3
    yield "sum", "right", (LISTED["status"] == "SUCCEEDED").sum()
    yield "value_counts", "right", LISTED["status"].value_counts()["SUCCEEDED"]
    yield "query", "right", len(LISTED.query("status == 'SUCCEEDED'"))
    yield "those that failed", "wrong", (LISTED["status"] == "FAILED").sum()
    yield "all", "wrong", len(LISTED)
    yield "all the counts", "wrong", LISTED["status"].value_counts(), "Series"
    yield "a mask", "wrong", LISTED["status"] == "SUCCEEDED", "Series"
    yield "a count of columns", "wrong", LISTED[LISTED["status"] == "SUCCEEDED"].count(), "Series"
    yield "the rows", "wrong", LISTED[LISTED["status"] == "SUCCEEDED"], "DataFrame"
    yield "a text", "wrong", "3", "quotes"
    yield "a share", "wrong", 0.6


@answers("04-gap", EVENTS)
def _gap() -> Rows:
    yield "written", "right", 6
    yield "idxmax", "right", EVENTS.loc[EVENTS["elapsed"].diff().idxmax(), "id"]
    yield (
        "sorted",
        "right",
        EVENTS.assign(gap=EVENTS["elapsed"].diff()).sort_values("gap", na_position="first")["id"].iloc[-1],
    )
    yield "the row's label", "wrong", EVENTS["elapsed"].diff().idxmax(), "label"
    yield "the one before", "wrong", 5, "second"
    yield "another", "wrong", 8
    yield "the silence", "wrong", EVENTS["elapsed"].diff().max(), "length of time"
    yield "its seconds", "wrong", 2.01
    yield "a Series", "wrong", EVENTS.loc[[5], "id"], "Series"
    yield "the row", "wrong", EVENTS.loc[5], "Series"
    yield "both ids", "wrong", (5, 6), "tuple"
    yield "a text", "wrong", "6", "quotes"


def by_visits(events: pd.DataFrame, state: str) -> Any:
    visits = history.visits(events)
    return visits.loc[visits["state"] == state, "duration"].dt.total_seconds().sum()


def by_loop(events: pd.DataFrame, state: str) -> float:
    total = 0.0
    for visit in history.visits(events).itertuples():
        if visit.state == state:
            total += visit.duration.total_seconds()
    return total


def by_events(events: pd.DataFrame, state: str) -> float:
    elapsed = events.loc[events["state"] == state].groupby("visit")["elapsed"]
    return float((elapsed.max() - elapsed.min()).dt.total_seconds().sum())


@answers("04-seconds-in")
def _seconds_in() -> Rows:
    def first(events, state):
        visits = history.visits(events)
        found = visits.loc[visits["state"] == state, "duration"].dt.total_seconds()
        return found.iloc[0] if len(found) else 0

    def mean(events, state):
        visits = history.visits(events)
        return visits.loc[visits["state"] == state, "duration"].dt.total_seconds().mean()

    def timedelta(events, state):
        visits = history.visits(events)
        return visits.loc[visits["state"] == state, "duration"].sum()

    def series(events, state):
        visits = history.visits(events)
        return visits.loc[visits["state"] == state, "duration"]

    def raising(events, state):
        return events["duration"].sum()

    def nothing(events, state):
        by_visits(events, state)

    yield "visits", "right", by_visits
    yield "a loop", "right", by_loop
    yield "events alone", "right", by_events
    yield "a lambda", "right", lambda events, state: by_loop(events, state)
    yield "whole seconds", "equivalent", lambda events, state: round(by_visits(events, state))
    yield "with a default", "equivalent", lambda events, state, unit="s": by_visits(events, state)
    yield "the first visit", "wrong", first, "Pause"
    yield "a mean", "wrong", mean
    yield "all states", "wrong", lambda events, state: history.visits(events)["duration"].dt.total_seconds().sum()
    yield "always seven", "wrong", lambda events, state: 7.0
    yield "milliseconds", "wrong", lambda events, state: 1000 * by_visits(events, state)
    yield "a Timedelta", "wrong", timedelta, "total_seconds"
    yield "a Series", "wrong", series, "Series"
    yield "a text", "wrong", lambda events, state: str(by_visits(events, state)), "quotes"
    yield "nothing", "wrong", nothing, "return"
    yield "raising", "wrong", raising, "raised KeyError in line"
    yield "one argument", "wrong", lambda events: 7.0, "seconds_in(events, state)"
    yield "called", "wrong", 11.0, "function itself"
    yield "its source", "wrong", "def seconds_in(events, state): return 7", "function itself"


LABEL = {"Type": "Pass", "Result": "fragile", "ResultPath": "$.label", "End": True}
MERGE = {"Type": "Pass", "QueryLanguage": "JSONata", "End": True}


@answers("05-keep")
def _keep() -> Rows:
    yield "the solution", "right", LABEL
    yield "an end in quotes", "wrong", LABEL | {"End": "true"}, "End"
    yield "a number", "wrong", 5, "yours is an int"
    yield "in JSONata", "right", MERGE | {"Output": "{% $merge([$states.input, {'label': 'fragile'}]) %}"}
    yield (
        "field by field",
        "right",
        {
            "Type": "Pass",
            "Parameters": {"order.$": "$.order", "customer.$": "$.customer", "label": "fragile"},
            "End": True,
        },
    )
    yield "with Next", "equivalent", {key: value for key, value in LABEL.items() if key != "End"} | {"Next": "Other"}
    yield "with brackets", "equivalent", LABEL | {"ResultPath": "$['label']"}
    yield "with a comment", "equivalent", LABEL | {"Comment": "fragile"}
    yield "no ResultPath", "wrong", {"Type": "Pass", "Result": "fragile", "End": True}, "order"
    yield "over everything", "wrong", LABEL | {"ResultPath": "$"}
    yield "another field", "wrong", LABEL | {"ResultPath": "$.Label"}, "label"
    yield "another text", "wrong", LABEL | {"Result": "Fragile"}, "fragile"
    yield "in the customer", "wrong", LABEL | {"ResultPath": "$.customer.label"}
    yield "over the customer", "wrong", LABEL | {"ResultPath": "$.customer"}
    yield "a dict in the field", "wrong", LABEL | {"Result": {"label": "fragile"}}
    yield "thrown away", "wrong", LABEL | {"ResultPath": None}
    yield (
        "the customer is lost",
        "wrong",
        {
            "Type": "Pass",
            "Parameters": {"order.$": "$.order", "label": "fragile"},
            "End": True,
        },
    )
    yield "no path", "wrong", LABEL | {"ResultPath": "label"}, "begins with $"
    yield (
        "a field's letter",
        "wrong",
        {"Type": "Pass", "Result": "fragile", "resultPath": "$.label", "End": True},
        "ResultPath",
    )
    yield "no Type", "wrong", {"Result": "fragile", "ResultPath": "$.label", "End": True}, "Pass"
    yield "no End", "wrong", {key: value for key, value in LABEL.items() if key != "End"}, "End"
    yield "the output", "wrong", {"order": 17, "label": "fragile"}, "Pass"
    yield "a machine", "wrong", {"StartAt": "A", "States": {"A": LABEL}}, "single state"
    yield "a text", "wrong", "fragile", "dict"


SHAPE = {"Type": "Pass", "Parameters": {"id.$": "$.order", "to.$": "$.customer.city"}, "End": True}


@answers("05-shape")
def _shape() -> Rows:
    yield "the solution", "right", SHAPE
    yield "a path that leads nowhere", "wrong", SHAPE | {"Parameters": {"to.$": "$.city"}}, "'$.city'"
    yield "brackets", "right", SHAPE | {"Parameters": {"id.$": "$['order']", "to.$": "$['customer']['city']"}}
    yield (
        "from the context",
        "right",
        SHAPE | {"Parameters": {"id.$": "$$.Execution.Input.order", "to.$": "$$.Execution.Input.customer.city"}},
    )
    yield (
        "an intrinsic",
        "equivalent",
        SHAPE | {"Parameters": {"id.$": "$.order", "to.$": "States.Format('{}', $.customer.city)"}},
    )
    yield "the language said", "equivalent", SHAPE | {"QueryLanguage": "JSONPath"}
    yield "a comment that says 17", "equivalent", SHAPE | {"Comment": "order 17 goes to Zurich"}
    yield (
        "JSONata",
        "wrong",
        MERGE | {"Output": {"id": "{% $states.input.order %}", "to": "{% $states.input.customer.city %}"}},
        "paths",
    )
    yield "written down", "wrong", SHAPE | {"Parameters": {"id": 17, "to": "Zurich"}}, "look the values up"
    yield "Result", "wrong", {"Type": "Pass", "Result": {"id": 17, "to": "Zurich"}, "End": True}, "look the values up"
    yield "half written down", "wrong", SHAPE | {"Parameters": {"id.$": "$.order", "to": "Zurich"}}
    yield "no dollar in the key", "wrong", SHAPE | {"Parameters": {"id": "$.order", "to": "$.customer.city"}}, "'id.$'"
    yield "one key without", "wrong", SHAPE | {"Parameters": {"id.$": "$.order", "to": "$.customer.city"}}, "'to.$'"
    yield (
        "no dollar in the path",
        "wrong",
        SHAPE | {"Parameters": {"id.$": "order", "to.$": "customer.city"}},
        "begins with $",
    )
    yield "the wrong place", "wrong", SHAPE | {"Parameters": {"id.$": "$.order", "to.$": "$.city"}}
    yield "the name", "wrong", SHAPE | {"Parameters": {"id.$": "$.order", "to.$": "$.customer.name"}}
    yield "other names", "wrong", SHAPE | {"Parameters": {"order.$": "$.order", "city.$": "$.customer.city"}}
    yield "a key's case", "wrong", SHAPE | {"Parameters": {"Id.$": "$.order", "to.$": "$.customer.city"}}
    yield (
        "one field too many",
        "wrong",
        SHAPE | {"Parameters": {"id.$": "$.order", "to.$": "$.customer.city", "name.$": "$.customer.name"}},
    )
    yield "kept beside", "wrong", SHAPE | {"ResultPath": "$.shaped"}
    yield (
        "expressions with paths",
        "wrong",
        SHAPE | {"Parameters": {"id": "{% $states.input.order %}", "to": "{% $states.input.customer.city %}"}},
        "QueryLanguage",
    )
    yield "not closed", "wrong", SHAPE | {"Parameters": {"id.$": "$.order", "to.$": "$.customer['city'"}}
    yield "no Pass", "wrong", SHAPE | {"Type": "Succeed"}, "Pass"
    yield "the wanted JSON", "wrong", {"id": 17, "to": "Zurich"}, "Pass"


JSONATA = MERGE | {"Output": {"id": "{% $states.input.order %}", "to": "{% $states.input.customer.city %}"}}


@answers("05-jsonata")
def _jsonata() -> Rows:
    yield "the solution", "right", JSONATA
    yield (
        "one expression",
        "right",
        MERGE | {"Output": "{% {'id': $states.input.order, 'to': $states.input.customer.city} %}"},
    )
    yield "the dot", "right", MERGE | {"Output": "{% $states.input.{'id': order, 'to': customer.city} %}"}
    yield (
        "from the context",
        "equivalent",
        MERGE
        | {"Output": {"id": "{% $states.context.Execution.Input.order %}", "to": "{% $states.input.customer.city %}"}},
    )
    yield (
        "no space",
        "equivalent",
        MERGE | {"Output": {"id": "{%$states.input.order%}", "to": "{%$states.input.customer.city%}"}},
    )
    yield "paths", "wrong", SHAPE, "JSONata"
    yield "no language", "wrong", {key: value for key, value in JSONATA.items() if key != "QueryLanguage"}
    yield "the language's case", "wrong", JSONATA | {"QueryLanguage": "JSONATA"}, "written JSONata"
    yield (
        "no signs",
        "wrong",
        MERGE | {"Output": {"id": "$states.input.order", "to": "$states.input.customer.city"}},
        "between {% and %}",
    )
    yield (
        "no signs at one",
        "wrong",
        MERGE | {"Output": {"id": "{% $states.input.order %}", "to": "$states.input.customer.city"}},
        "between {% and %}",
    )
    yield (
        "half a sign",
        "wrong",
        MERGE | {"Output": {"id": "{% $states.input.order", "to": "{% $states.input.customer.city %}"}},
        "ends with %}",
    )
    yield (
        "other signs",
        "wrong",
        MERGE | {"Output": {"id": "{{ $states.input.order }}", "to": "{{ $states.input.customer.city }}"}},
        "between {% and %}",
    )
    yield (
        "a space before",
        "wrong",
        MERGE | {"Output": {"id": " {% $states.input.order %}", "to": "{% $states.input.customer.city %}"}},
        "nothing around it",
    )
    yield (
        "keys of paths",
        "wrong",
        MERGE | {"Output": {"id.$": "{% $states.input.order %}", "to.$": "{% $states.input.customer.city %}"}},
        "paths",
    )
    yield "written down", "wrong", MERGE | {"Output": {"id": 17, "to": "Zurich"}}, "look the values up"
    yield "no input", "wrong", MERGE | {"Output": {"id": "{% $.order %}", "to": "{% $.customer.city %}"}}
    yield (
        "input misspelt",
        "wrong",
        MERGE | {"Output": {"id": "{% $state.input.order %}", "to": "{% $states.input.customer.city %}"}},
    )
    yield (
        "not closed",
        "wrong",
        MERGE | {"Output": {"id": "{% $string($states.input.order %}", "to": "{% $states.input.customer.city %}"}},
    )
    yield (
        "a text of the id",
        "wrong",
        MERGE | {"Output": {"id": "{% $string($states.input.order) %}", "to": "{% $states.input.customer.city %}"}},
    )
    yield (
        "swapped",
        "wrong",
        MERGE | {"Output": {"to": "{% $states.input.order %}", "id": "{% $states.input.customer.city %}"}},
    )
    yield "Parameters", "wrong", MERGE | {"Parameters": JSONATA["Output"]}
    yield "an output's case", "wrong", MERGE | {"output": JSONATA["Output"]}, "Output"


@answers("06-round")
def _round() -> Rows:
    loop = ["WaitforInvocation", "CheckInvocationsStatus"]
    yield "a set", "right", set(loop)
    yield "a list", "right", loop
    yield "an Index", "right", pd.Index(loop)
    yield "a Series", "equivalent", pd.Series(loop)
    yield "an array", "equivalent", pd.Series(loop).unique()
    yield "keys", "equivalent", dict.fromkeys(loop).keys()
    yield "twice", "equivalent", (*loop, loop[0])
    yield "one missing", "wrong", {"WaitforInvocation"}, "1 of the 2 states on the way round; 1 is missing"
    yield "Main too", "wrong", {*loop, "Main"}, "Main"
    yield "Final too", "wrong", {*loop, "Final"}, "Final"
    yield "all", "wrong", {*loop, "Main", "Final"}
    yield "others", "wrong", {"Main", "Final"}
    yield "none", "wrong", set()
    yield "case", "wrong", {"WaitForInvocation", "CheckInvocationsStatus"}, "capitals"
    yield "one name", "wrong", "WaitforInvocation", "set of names"
    yield "one text", "wrong", "WaitforInvocation, CheckInvocationsStatus", "set of names"
    yield "the states", "wrong", BUSY["States"], "set of names"


RECHECK = definition.load("recheck")


@answers("06-cure")
def _cure() -> Rows:
    yield "the solution", "right", RECHECK
    yield "a pause of a second", "right", changed(RECHECK, States__Pause__Seconds=1)
    yield (
        "Default and a pause before",
        "right",
        changed(
            RECHECK,
            States__Pause__Next="IsDone",
            States__IsDone__Default="Again",
            States__Again={"Type": "Wait", "Seconds": 2, "Next": "AskJob"},
        ),
    )
    yield (
        "asked by another state",
        "right",
        changed(
            RECHECK, States__Pause__Next="AskAgain", States__AskAgain=RECHECK["States"]["AskJob"], States__AskJob=...
        ),
    )
    yield (
        "with ARNs",
        "right",
        definition.load(
            "recheck",
            StartJobArn="arn:aws:lambda:us-east-1:111122223333:function:sfn-lab-start_job",
            AskJobArn="arn:aws:lambda:us-east-1:111122223333:function:sfn-lab-ask_job",
        ),
    )
    yield "a longer pause", "equivalent", changed(RECHECK, States__Pause__Seconds=10)
    yield "asked before the first pause", "right", changed(RECHECK, States__StartJob__Next="AskJob")
    yield "a time-out", "equivalent", changed(RECHECK, TimeoutSeconds=600)
    yield "no rule for failed", "equivalent", changed(RECHECK, States__IsDone__Choices__1=..., States__JobFailed=...)
    yield "as it was", "wrong", changed(RECHECK, States__Pause__Next="IsDone"), "endless loop"
    yield (
        "no pause between",
        "wrong",
        changed(RECHECK, States__Pause__Next="IsDone", States__IsDone__Default="AskJob"),
        "pause",
    )
    yield "starts it again", "wrong", changed(RECHECK, States__IsDone__Default="StartJob"), "3 times"
    yield "asks once", "wrong", changed(RECHECK, States__IsDone__Default="Done"), "1 time;"
    yield "the pause is skipped", "wrong", changed(RECHECK, States__IsDone__Default="AskJob"), "pause"
    yield "a pause of nothing", "wrong", changed(RECHECK, States__Pause__Seconds=0), "pause"
    yield "the answer is thrown away", "wrong", changed(RECHECK, States__AskJob__ResultPath=None), "endless loop"
    yield "the answer put elsewhere", "wrong", changed(RECHECK, States__AskJob__ResultPath="$.answer")
    yield "the word misspelt", "wrong", changed(RECHECK, States__IsDone__Choices__0__StringEquals="sucess")
    yield "another id", "wrong", changed(RECHECK, States__AskJob__Parameters__Payload={"id": "another"}), "id"
    yield "no such state", "wrong", changed(RECHECK, States__Pause__Next="Askjob"), "AskJob"
    yield "never asks", "wrong", changed(RECHECK, States__Pause__Next="Done")
    yield "its States", "wrong", RECHECK["States"], "States in it"


COUNTED = definition.load("counted")
POLLS = "States__IsDone__Choices__2"


def giving_up(condition: str, **more: Any) -> dict[str, Any]:
    return changed(COUNTED, **{POLLS: {"Condition": condition, "Next": "GaveUp"}}, **more)


@answers("07-give-up")
def _give_up() -> Rows:
    rules = giving_up("{% $polls >= 5 %}")["States"]["IsDone"]["Choices"]
    yield "the solution", "right", giving_up("{% $polls >= 5 %}")
    yield "by equality", "right", giving_up("{% $polls = 5 %}")
    yield "the other way round", "right", giving_up("{% $not($polls < 5) %}")
    yield (
        "a variable of its own",
        "right",
        changed(
            COUNTED,
            States__StartJob__Assign__limit=5,
            **{POLLS: {"Condition": "{% $polls >= $limit %}", "Next": "GaveUp"}},
        ),
    )
    yield "more than four", "equivalent", giving_up("{% $polls > 4 %}")
    yield "before failed", "equivalent", changed(COUNTED, States__IsDone__Choices=[rules[0], rules[2], rules[1]])
    yield "another cause", "equivalent", changed(giving_up("{% $polls >= 5 %}"), States__GaveUp__Cause="too long")
    yield "no limit", "wrong", changed(COUNTED, **{POLLS: ...})
    yield "ten", "wrong", COUNTED, "10 times"
    yield "six polls", "wrong", giving_up("{% $polls > 5 %}"), "6 times"
    yield "four polls", "wrong", giving_up("{% $polls >= 4 %}"), "4 times"
    yield "the count from one", "wrong", giving_up("{% $polls >= 5 %}", States__StartJob__Assign__polls=1), "4 times"
    yield "not counted", "wrong", giving_up("{% $polls >= 5 %}", States__AskJob__Assign__polls="{% $polls %}")
    yield "before success", "wrong", changed(COUNTED, States__IsDone__Choices=[rules[2], rules[0], rules[1]]), "fifth"
    yield (
        "failed is lost",
        "wrong",
        changed(COUNTED, States__IsDone__Choices=[rules[0], rules[2]], States__JobFailed=...),
        "failed",
    )
    yield "another error", "wrong", giving_up("{% $polls >= 5 %}", States__GaveUp__Error="TooLong"), "GaveUp"
    yield "the error's case", "wrong", giving_up("{% $polls >= 5 %}", States__GaveUp__Error="gaveup"), "GaveUp"
    yield "no error", "wrong", giving_up("{% $polls >= 5 %}", States__GaveUp={"Type": "Fail"}), "without a name"
    yield "ends well", "wrong", changed(COUNTED, **{POLLS: {"Condition": "{% $polls >= 5 %}", "Next": "Done"}})
    yield "no signs", "wrong", giving_up("$polls >= 5"), "between {% and %}"
    yield (
        "a path",
        "wrong",
        changed(COUNTED, **{POLLS: {"Variable": "$.polls", "NumericGreaterThanEquals": 5, "Next": "GaveUp"}}),
    )
    yield (
        "the name's case",
        "wrong",
        changed(COUNTED, **{POLLS: {"Condition": "{% $polls >= 5 %}", "Next": "Gaveup"}}),
        "GaveUp",
    )
    yield (
        "a time-out instead",
        "wrong",
        changed(COUNTED, **{POLLS: ...}, TimeoutSeconds=20, States__GaveUp=...),
        "TIMED_OUT",
    )
    yield "a variable's case", "wrong", giving_up("{% $Polls >= 5 %}"), "in the state IsDone"


def pausing(first: Any, then: Any) -> dict[str, Any]:
    return changed(COUNTED, States__StartJob__Assign__pause=first, States__AskJob__Assign__pause=then)


@answers("07-pauses")
def _pauses() -> Rows:
    yield "the solution", "right", pausing(3, "{% $min([$pause * 3, 30]) %}")
    yield "a condition", "right", pausing(3, "{% $pause * 3 > 30 ? 30 : $pause * 3 %}")
    yield "from the polls", "right", pausing(3, "{% $polls >= 2 ? 30 : $power(3, $polls + 2) %}")
    yield "an expression first", "equivalent", pausing("{% 1 + 2 %}", "{% $min([$pause * 3, 30]) %}")
    yield (
        "no bound on polls",
        "equivalent",
        changed(pausing(3, "{% $min([$pause * 3, 30]) %}"), **{POLLS: ..., "States__GaveUp": ...}),
    )
    yield "as it was", "wrong", COUNTED
    yield "doubling", "wrong", pausing(3, "{% $min([$pause * 2, 30]) %}")
    yield "no bound", "wrong", pausing(3, "{% $pause * 3 %}")
    yield "at most 60", "wrong", pausing(3, "{% $min([$pause * 3, 60]) %}")
    yield "at most 27", "wrong", pausing(3, "{% $min([$pause * 3, 27]) %}")
    yield "from one", "wrong", pausing(1, "{% $min([$pause * 3, 30]) %}")
    yield "max", "wrong", pausing(3, "{% $max([$pause * 3, 30]) %}")
    yield "then back again", "wrong", pausing(3, "{% $pause = 30 ? 3 : $min([$pause * 3, 30]) %}")
    yield "always 3", "wrong", pausing(3, "{% $pause %}")
    yield "at the Wait", "wrong", changed(COUNTED, States__Pause__Seconds=3)
    yield "no signs", "wrong", pausing(3, "$min([$pause * 3, 30])"), "between {% and %}"
    yield "Python's min", "wrong", pausing(3, "{% min($pause * 3, 30) %}")
    yield "a text", "wrong", pausing("3", "{% $min([$pause * 3, 30]) %}")
    yield (
        "gives up too early",
        "wrong",
        changed(pausing(3, "{% $min([$pause * 3, 30]) %}"), **{f"{POLLS}__Condition": "{% $polls >= 3 %}"}),
    )


COSTS = pd.DataFrame(
    {"state": ["StartJob", "FirstPause", *["Pause", "AskJob", "IsDone"] * 10, "LongerPause", "GaveUp"]}
)
DEAREST = {"Pause", "AskJob", "IsDone"}


@answers("07-cost", COSTS)
def _cost() -> Rows:
    counts = COSTS["state"].value_counts()
    yield "a set", "right", DEAREST
    yield "counted", "right", set(counts.index[counts == counts.max()])
    yield "a list", "right", sorted(DEAREST)
    yield "an Index", "equivalent", counts.index[counts == 10]
    yield "a mode", "equivalent", COSTS["state"].mode()
    yield "one", "wrong", {"Pause"}, "3 states"
    yield "two", "wrong", {"Pause", "AskJob"}, "3 states"
    yield "one more", "wrong", DEAREST | {"LongerPause"}, "1 time;"
    yield "all", "wrong", set(COSTS["state"])
    yield "a name", "wrong", "AskJob", "set of names"
    yield "the counts", "wrong", counts, "set of names"
    yield "a dict", "wrong", dict(counts), "set of names"
    yield "case", "wrong", {"pause", "AskJob", "IsDone"}, "capitals"
    yield "none", "wrong", set()


@answers("07-cost", COSTS[COSTS["state"] != "GaveUp"])
def _cost_of_another() -> Rows:
    yield "visits of another execution", "wrong", DEAREST, "another execution"


CAREFUL = definition.load("careful")
BARE = changed(CAREFUL, States__Work__Catch=..., States__OrderMore=..., States__TellSomebody=...)
SORRY = {"Type": "Pass", "Next": "Done"}


def catching(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return changed(BARE, **{"States__Work__Catch": list(rules), "States__Sorry": SORRY, **more})


POLITE = {"ErrorEquals": ["OutOfStock"], "ResultPath": "$.error", "Next": "Sorry"}


@answers("08-polite")
def _polite() -> Rows:
    yield "the solution", "right", catching(POLITE)
    yield "the Pass ends", "right", catching(POLITE, States__Sorry={"Type": "Pass", "End": True})
    yield "the lesson's own", "right", CAREFUL
    yield (
        "with a note",
        "right",
        catching(POLITE, States__Sorry={"Type": "Pass", "Result": "sorry", "ResultPath": "$.note", "Next": "Done"}),
    )
    yield "error thrown away", "equivalent", catching(POLITE | {"ResultPath": None})
    yield (
        "the order alone",
        "equivalent",
        catching(POLITE, States__Sorry={"Type": "Pass", "Parameters": {"order.$": "$.order"}, "Next": "Done"}),
    )
    yield (
        "a rule for others that fails",
        "equivalent",
        catching(
            POLITE,
            {"ErrorEquals": ["States.ALL"], "Next": "Broken"},
            States__Broken={"Type": "Fail", "Error": "Broken"},
        ),
    )
    yield "as it was", "wrong", BARE, "OutOfStock"
    yield "every error", "wrong", catching(POLITE | {"ErrorEquals": ["States.ALL"]}), "KeyError"
    yield "every failed task", "wrong", catching(POLITE | {"ErrorEquals": ["States.TaskFailed"]}), "KeyError"
    yield "both together", "wrong", catching(POLITE | {"ErrorEquals": ["OutOfStock", "States.ALL"]}), "alone"
    yield "a rule for others that ends well", "wrong", catching(POLITE, {"ErrorEquals": ["States.ALL"], "Next": "Done"})
    yield "the order is lost", "wrong", catching({"ErrorEquals": ["OutOfStock"], "Next": "Sorry"}), "order 17"
    yield "over everything", "wrong", catching(POLITE | {"ResultPath": "$"}), "order 17"
    yield "over the order", "wrong", catching(POLITE | {"ResultPath": "$.order"}), "order 17"
    yield (
        "lost in the Pass",
        "wrong",
        catching(POLITE, States__Sorry={"Type": "Pass", "Result": "sorry", "Next": "Done"}),
        "order 17",
    )
    yield "no Pass", "wrong", catching(POLITE | {"Next": "Done"}, States__Sorry=...), "Pass"
    yield "a Fail", "wrong", catching(POLITE, States__Sorry={"Type": "Fail"}), "FAILED"
    yield "another error", "wrong", catching(POLITE | {"ErrorEquals": ["NoStock"]}), "OutOfStock"
    yield "the error's case", "wrong", catching(POLITE | {"ErrorEquals": ["outOfStock"]}), "called OutOfStock"
    yield "a name, no list", "wrong", catching(POLITE | {"ErrorEquals": "OutOfStock"}), "list"
    yield "Catch is a dict", "wrong", changed(catching(), States__Work__Catch=POLITE), "list"
    yield (
        "retried alone",
        "wrong",
        changed(BARE, States__Work__Retry=[{"ErrorEquals": ["OutOfStock"], "IntervalSeconds": 1, "MaxAttempts": 1}]),
    )
    yield "no such state", "wrong", catching(POLITE, States__Sorry=...), "Sorry"
    yield "the function is not called", "wrong", changed(BARE, States__Work={"Type": "Pass", "Next": "Done"}), "caught"


PATIENT = {
    "StartAt": "WaitAnHour",
    "TimeoutSeconds": 60,
    "States": {"WaitAnHour": {"Type": "Wait", "Seconds": 3600, "End": True}},
}


@answers("08-deadline")
def _deadline() -> Rows:
    yield "the solution", "right", PATIENT | {"TimeoutSeconds": 30}
    yield "rebuilt", "right", {"TimeoutSeconds": 30, **{key: PATIENT[key] for key in ("StartAt", "States")}}
    yield "changed in a copy", "right", changed(PATIENT, TimeoutSeconds=30)
    yield "numpy's number", "equivalent", changed(PATIENT, TimeoutSeconds=np.int64(30))
    yield "a shorter wait", "equivalent", changed(PATIENT, TimeoutSeconds=30, States__WaitAnHour__Seconds=1800)
    yield "as it was", "wrong", PATIENT, "60 s"
    yield "31", "wrong", changed(PATIENT, TimeoutSeconds=31), "31 s"
    yield "29", "wrong", changed(PATIENT, TimeoutSeconds=29), "29 s"
    yield "3", "wrong", changed(PATIENT, TimeoutSeconds=3)
    yield "half an hour", "wrong", changed(PATIENT, TimeoutSeconds=1800)
    yield "none", "wrong", changed(PATIENT, TimeoutSeconds=...), "SUCCEEDED"
    yield "waits half a minute", "wrong", changed(PATIENT, States__WaitAnHour__Seconds=30), "SUCCEEDED"
    yield (
        "fails after half a minute",
        "wrong",
        changed(
            PATIENT,
            States__WaitAnHour={"Type": "Wait", "Seconds": 30, "Next": "Over"},
            States__Over={"Type": "Fail", "Error": "States.Timeout"},
        ),
        "FAILED",
    )
    yield "a text", "wrong", changed(PATIENT, TimeoutSeconds="30"), "quotes"
    yield "a Timedelta", "wrong", changed(PATIENT, TimeoutSeconds=pd.Timedelta(seconds=30)), "length of time"
    yield "a field's case", "wrong", changed(PATIENT, TimeoutSeconds=..., timeoutSeconds=30), "TimeoutSeconds"
    yield "at the state", "wrong", changed(PATIENT, TimeoutSeconds=..., States__WaitAnHour__TimeoutSeconds=30)
    yield "the number", "wrong", 30, "definition"


DEAR = pd.DataFrame({"city": ["Zurich", "Basel", "Geneva"], "dearest": [120.5, 80.0, 99.9]})


@answers("09-sql")
def _sql() -> Rows:
    yield "the frame", "right", DEAR
    yield "sorted", "right", DEAR.sort_values("dearest")
    yield "columns the other way round", "right", DEAR[["dearest", "city"]]
    yield "another index", "equivalent", DEAR.set_index(pd.Index([7, 8, 9]))
    yield "the sums", "wrong", DEAR.assign(dearest=[135.75, 80.0, 99.9]), "Zurich"
    yield "the cheapest", "wrong", DEAR.assign(dearest=[15.25, 80.0, 99.9]), "Zurich"
    yield "a city missing", "wrong", DEAR.head(2), "no row for Geneva"
    yield "no columns", "wrong", pd.DataFrame(), "yours are none"
    yield "no GROUP BY", "wrong", pd.concat([DEAR, DEAR.head(1)]), "one row per city"
    yield (
        "the table, the dearest last",
        "wrong",
        pd.concat([pd.DataFrame({"city": ["Zurich"], "dearest": [15.25]}), DEAR]),
    )
    yield "other columns", "wrong", DEAR.rename(columns={"dearest": "max"}), "city and dearest"
    yield "a column more", "wrong", DEAR.assign(id=1), "city and dearest"
    yield "a column's case", "wrong", DEAR.rename(columns={"city": "City"}), "capitals"
    yield "city as the index", "wrong", DEAR.set_index("city"), "city and dearest"
    yield "texts", "wrong", DEAR.astype({"dearest": str}), "text"
    yield "missing values", "wrong", DEAR.assign(dearest=[None, 80.0, 99.9]), "missing"
    yield "a Series", "wrong", DEAR.set_index("city")["dearest"], "frame"
    yield "the question", "wrong", "SELECT city, max(total) AS dearest FROM orders GROUP BY city", "frame"
    yield "a dict", "wrong", {"Zurich": 120.5, "Basel": 80.0, "Geneva": 99.9}, "frame"
    yield "empty", "wrong", DEAR.head(0)


SYNC = definition.load("athena_sync", Database="shop", OutputLocation="s3://lab-shop/results/")
NOTED = {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Noted"}


def caught(rule: dict[str, Any] = NOTED, **more: Any) -> dict[str, Any]:
    return changed(SYNC, **{"States__RunQuery__Catch": [rule], "States__Noted": {"Type": "Pass", "End": True}, **more})


@answers("09-caught")
def _caught() -> Rows:
    yield "the solution", "right", caught()
    yield "States.TaskFailed", "right", caught(NOTED | {"ErrorEquals": ["States.TaskFailed"]})
    yield (
        "placeholders left",
        "right",
        changed(definition.load("athena_sync"), States__RunQuery__Catch=[NOTED], States__Noted={"Type": "Succeed"}),
    )
    yield (
        "both by name",
        "right",
        caught(NOTED | {"ErrorEquals": ["Athena.InvalidRequestException", "States.TaskFailed"]}),
    )
    yield "over everything", "equivalent", caught({"ErrorEquals": ["States.ALL"], "Next": "Noted"})
    yield "both ways lead on", "equivalent", caught(States__RunQuery__End=..., States__RunQuery__Next="Noted")
    yield "as it was", "wrong", SYNC
    yield "another error", "wrong", caught(NOTED | {"ErrorEquals": ["Athena.TooManyRequestsException"]})
    yield "one of both errors", "wrong", caught(NOTED | {"ErrorEquals": ["Athena.InvalidRequestException"]})
    yield "a time-out", "wrong", caught(NOTED | {"ErrorEquals": ["States.Timeout"]})
    yield "ends badly", "wrong", caught(States__Noted={"Type": "Fail"}), "FAILED"
    yield "no query", "wrong", changed(SYNC, States__RunQuery={"Type": "Pass", "End": True}), ".sync"
    yield (
        "not waited for",
        "wrong",
        caught(States__RunQuery__Resource="arn:aws:states:::athena:startQueryExecution"),
        ".sync",
    )
    yield (
        "the question is fixed",
        "wrong",
        changed(
            caught(),
            States__RunQuery__Parameters={
                "QueryString": "SELECT 2",
                "ResultConfiguration": {"OutputLocation": "s3://x/"},
            },
        ),
        "question",
    )
    yield "the result is lost", "wrong", caught(States__RunQuery__ResultPath=None), "result"
    yield "the case of States.ALL", "wrong", caught(NOTED | {"ErrorEquals": ["States.All"]}), "States.ALL"
    yield "Catch is a dict", "wrong", changed(caught(), States__RunQuery__Catch=NOTED), "list"
    yield (
        "retried alone",
        "wrong",
        changed(SYNC, States__RunQuery__Retry=[{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}]),
    )
    yield "no such state", "wrong", changed(SYNC, States__RunQuery__Catch=[NOTED]), "Noted"
    yield "another name", "wrong", {"StartAt": "Query", "States": {"Query": caught()["States"]["RunQuery"]}}, "RunQuery"


WORKER = """
import json

def worker(states, message):
    token = json.loads(message["Body"])["token"]
    states.send_task_failure(taskToken=token, error="CannotDo", cause="I was never taught this.")
"""


def worker(old: str = "", new: str = "") -> Any:
    return in_cell(WORKER.replace(old, new) if old else WORKER, "worker")


@answers("10-worker")
def _worker() -> Rows:
    yield "the solution", "right", worker()
    yield "no cause", "right", worker(', cause="I was never taught this."')
    yield (
        "a lambda",
        "right",
        in_cell(
            "import json\nworker = lambda states, message: states.send_task_failure("
            "taskToken=json.loads(message['Body'])['token'], error='CannotDo')",
            "worker",
        ),
    )
    yield (
        "after a heartbeat",
        "equivalent",
        worker(
            "    states.send_task_failure",
            "    states.send_task_heartbeat(taskToken=token)\n    states.send_task_failure",
        ),
    )
    yield "other names", "equivalent", worker("states", "client")
    yield "another error", "wrong", worker("CannotDo", "CanNot"), "CannotDo"
    yield "the error's case", "wrong", worker("CannotDo", "cannotdo"), "to the letter"
    yield "no error", "wrong", worker('error="CannotDo", '), "error='CannotDo'"
    yield "an empty error", "wrong", worker('"CannotDo"', '""'), "error='CannotDo'"
    yield (
        "success",
        "wrong",
        in_cell(
            WORKER.replace("failure", "success").replace(
                'error="CannotDo", cause="I was never taught this."', 'output="{}"'
            ),
            "worker",
        ),
        "succeeded",
    )
    yield "does nothing", "wrong", worker(WORKER[WORKER.index("    states.") :], ""), "had not failed"
    yield (
        "returns it",
        "wrong",
        worker(WORKER[WORKER.index("    states.") :], '    return "CannotDo"'),
        "had not failed",
    )
    yield (
        "raises it",
        "wrong",
        worker(WORKER[WORKER.index("    states.") :], '    raise type("CannotDo", (Exception,), {})()'),
        "raised CannotDo",
    )
    yield (
        "body not read",
        "wrong",
        worker('json.loads(message["Body"])["token"]', 'message["token"]'),
        "raised KeyError",
    )
    yield (
        "body is a text",
        "wrong",
        worker('json.loads(message["Body"])', 'message["Body"]'),
        "raised TypeError in line 5",
    )
    yield "another token", "wrong", worker("taskToken=token", 'taskToken="token"'), "raised InvalidToken"
    yield "an argument misspelt", "wrong", worker("taskToken", "token"), "raised ParamValidationError"
    yield "one argument", "wrong", worker("(states, message)", "(message)"), "worker(states, message)"
    yield "called", "wrong", {}, "function itself"
    yield "its source", "wrong", WORKER, "function itself"


RIGHT_WAYS = {
    "athena query": ".sync",
    "approval by a person": "token",
    "old service that only answers when asked": "poll",
}


@answers("10-when")
def _when() -> Rows:
    yield "the solution", "right", RIGHT_WAYS
    yield "another order", "right", dict(reversed(RIGHT_WAYS.items()))
    yield "one more", "equivalent", RIGHT_WAYS | {"my own": "event"}
    yield "as it was", "wrong", dict.fromkeys(RIGHT_WAYS, "?"), "athena query"
    yield "a poll too many", "wrong", RIGHT_WAYS | {"athena query": "poll"}, "athena query"
    yield "an event", "wrong", RIGHT_WAYS | {"approval by a person": "event"}, "approval"
    yield "the old service calls back", "wrong", RIGHT_WAYS | {"old service that only answers when asked": "token"}
    yield "no dot", "wrong", RIGHT_WAYS | {"athena query": "sync"}
    yield "a capital", "wrong", RIGHT_WAYS | {"approval by a person": "Token"}, "capitals"
    yield "one missing", "wrong", {"athena query": ".sync", "approval by a person": "token"}, "old service"
    yield "a set", "wrong", set(RIGHT_WAYS.values()), "dict"
    yield "a list", "wrong", list(RIGHT_WAYS.values()), "dict"
    yield "several", "wrong", RIGHT_WAYS | {"athena query": [".sync", "poll"]}, "one value"


@answers("11-pause")
def _pause() -> Rows:
    yield "14", "right", 14
    yield "numpy's number", "right", np.int64(14)
    yield "a float", "equivalent", 14.0
    yield "15", "wrong", 15, "15.1 s late"
    yield "14.5", "wrong", 14.5, "whole seconds"
    yield "14.9", "wrong", 14.9, "whole seconds"
    yield "13", "wrong", 13, "longer one"
    yield "1", "wrong", 1, "longer one"
    yield "60", "wrong", 60, "late"
    yield "300", "wrong", 300, "late"
    yield "longer than any job", "wrong", 1000, "up to 715.2 s late"
    yield "0", "wrong", 0, "1 or more"
    yield "negative", "wrong", -14, "1 or more"
    yield "endless", "wrong", float("inf")
    yield "a missing value", "wrong", float("nan"), "missing"
    yield "a text", "wrong", "14", "quotes"
    yield "with a unit", "wrong", "14 s", "quotes"
    yield "a Timedelta", "wrong", pd.Timedelta(seconds=14), "length of time"
    yield "a timedelta", "wrong", datetime.timedelta(seconds=14), "length of time"
    yield "a plan", "wrong", pd.Series({"interval": 14}), "Series"
    yield "all that keep it", "wrong", list(range(1, 15)), "list"
    yield "a bool", "wrong", True, "number"


COMPARED = pd.DataFrame(
    {
        "pattern": ["recheck", "recheck", "wait_first", "wait_first", "bounded", "retry_polling"],
        "interval": [10.0, 40.0, 10.0, 40.0, 10.0, 20.0],
        "polls": [9.2, 2.6, 2.5, 1.6, 3.8, 5.9],
        "p95_delay": [9.8, 36.4, 18.2, 36.3, 57.5, 19.6],
        "tolerated": 20,
    }
)


@answers("11-fewest", COMPARED)
def _fewest_polls() -> Rows:
    row = COMPARED.loc[2]
    yield "written", "right", ("wait_first", 10)
    yield "as a list", "right", ["wait_first", 10.0]
    yield "from the row", "right", (row["pattern"], row["interval"])
    yield "a slice of the row", "wrong", row[["pattern", "interval"]]
    yield "too late", "wrong", ("wait_first", 40), "at most 20 s"
    yield "more polls", "wrong", ("recheck", 10), "fewest polls"
    yield "the way alone", "wrong", "wait_first", "a way and its first pause"
    yield "the other way round", "wrong", (10, "wait_first"), "a way and its first pause"
    yield "a text", "wrong", ("wait_first", "10"), "quotes"
    yield "the frame", "wrong", COMPARED, "a way and its first pause"


BILL = definition.load("bill")
PAYLOAD = "States__SendBill__Parameters__Payload"


def billed(**fields: Any) -> dict[str, Any]:
    """The machine that sends a bill, with more in the function's payload."""
    return changed(BILL, **{PAYLOAD: BILL["States"]["SendBill"]["Parameters"]["Payload"] | fields})


@answers("12-once")
def _once() -> Rows:
    yield "the execution's name", "right", billed(**{"bill.$": "$$.Execution.Name"})
    yield "its ARN", "right", billed(**{"bill.$": "$$.Execution.Id"})
    yield "a hash", "right", billed(**{"bill.$": "States.Hash($$.Execution.Id, 'SHA-256')"})
    with_order = "States.Format('{}-{}', $.order, $$.Execution.Name)"
    yield "order and name", "right", billed(**{"bill.$": with_order})
    yield (
        "more attempts",
        "equivalent",
        changed(billed(**{"bill.$": "$$.Execution.Name"}), States__SendBill__Retry__0__MaxAttempts=3),
    )
    yield "as it was", "wrong", BILL, "without a `bill`"
    yield "the order", "wrong", billed(**{"bill.$": "$.order"}), "two executions"
    yield "a constant", "wrong", billed(bill="the bill"), "two executions"
    yield "no .$", "wrong", billed(bill="$$.Execution.Name"), "looked up"
    yield "the attempt", "wrong", billed(**{"bill.$": "$$.State.RetryCount"}), "sent 0 and 1"
    yield (
        "name and attempt",
        "wrong",
        billed(**{"bill.$": "States.Format('{}-{}', $$.Execution.Name, $$.State.RetryCount)"}),
        "one bill",
    )
    yield "beside the payload", "wrong", changed(BILL, **{"States__SendBill__Parameters__bill.$": "$$.Execution.Name"})
    yield "nothing else", "wrong", changed(BILL, **{PAYLOAD: {"bill.$": "$$.Execution.Name"}}), "order, seconds"
    yield "no retry", "wrong", changed(billed(**{"bill.$": "$$.Execution.Name"}), States__SendBill__Retry=...)
    yield "a state", "wrong", BILL["States"]["SendBill"]
    yield "a text", "wrong", "$$.Execution.Name"


RETRY_POLLING = definition.load("retry_polling")


def cancelling(to: str = "CancelJob", job: Any = None, **fields: Any) -> dict[str, Any]:
    """The machine with the polling Retry, with a state that cancels; its Catch leads `to`."""
    parameters = {"FunctionName": "${CancelJobArn}", "Payload": {"id.$": "$.job.id"} if job is None else job}
    made = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": parameters, "Next": "GaveUp"}
    return changed(RETRY_POLLING, States__AskJob__Catch__0__Next=to, States__CancelJob={**made, **fields})


@answers("12-cancel")
def _cancel() -> Rows:
    retry = [{"ErrorEquals": ["Lambda.TooManyRequestsException"], "MaxAttempts": 3}]
    yield "the solution", "right", cancelling()
    yield "retried", "right", cancelling(Retry=retry, TimeoutSeconds=30)
    yield "the whole job", "right", cancelling(job={"job.$": "$.job"})
    yield "the result beside it", "right", cancelling(ResultPath="$.cancelled")
    yield (
        "a function's ARN",
        "right",
        cancelling(
            Parameters={
                "FunctionName": "arn:aws:lambda:us-east-1:123456789012:function:cancel_job",
                "Payload.$": "$.job",
            }
        ),
    )
    yield "as it was", "wrong", RETRY_POLLING, "no Task"
    yield "never reached", "wrong", cancelling("GaveUp")
    yield "no id", "wrong", cancelling(job={"id": "job"}), "the job's id"
    yield "ends well", "wrong", cancelling(Next="Done"), "GaveUp"
    yield "ends as the job's failure", "wrong", cancelling(Next="JobFailed"), "GaveUp"
    yield "done, too", "wrong", changed(cancelling(), States__AskJob__Next="CancelJob")
    yield "the error forgets the job", "wrong", changed(cancelling(), States__AskJob__Catch__0__ResultPath=...)
    yield (
        "twice",
        "wrong",
        changed(cancelling(Next="Again", ResultPath=None), States__Again=cancelling()["States"]["CancelJob"]),
        "2 times",
    )
    yield "a state", "wrong", cancelling()["States"]["CancelJob"]
    yield "a text", "wrong", "CancelJob"


def _orders() -> dict[str, Any]:
    return definition.load(history.sample("failed-map").with_name("failed-map.asl.json"))


@answers("13-caught")
def _caught_around() -> Rows:
    def caught(errors: list[str], where: str = "EachOrder", state: dict[str, Any] | None = None, **more: Any) -> Any:
        mine = _orders()
        body = mine["States"]["EachOrder"]
        if where == "Pack":
            body = body["ItemProcessor"]["States"]["Pack"]
            body["Catch"] = [{"ErrorEquals": errors, "ResultPath": "$.error", "Next": "Shipped"}]
            return mine
        body["Catch"] = [{"ErrorEquals": errors, "Next": "Apologise", **more}]
        mine["States"]["Apologise"] = state or {"Type": "Pass", "End": True}
        return mine

    yield "the error", "right", caught(["OutOfStock"], ResultPath="$.error")
    yield "any error", "right", caught(["States.ALL"])
    yield "any task's", "right", caught(["States.TaskFailed"])
    yield "and then succeeds", "right", caught(["OutOfStock"], state={"Type": "Succeed"})
    yield "nothing changed", "wrong", _orders(), "fails as it did"
    yield "another error", "wrong", caught(["States.Timeout"]), "fails as it did"
    yield "in Pack", "wrong", caught(["OutOfStock"], "Pack"), "around it"
    yield "and then fails", "wrong", caught(["OutOfStock"], state={"Type": "Fail", "Error": "E"}), "does not succeed"
    yield "no machine", "wrong", {"StartAt": "A"}
    yield "a text", "wrong", "Catch"


@answers("13-fewest")
def _fewest() -> Rows:
    yield "6", "right", 6
    yield "numpy's number", "right", np.int64(6)
    yield "a float", "equivalent", 6.0
    yield "attempts", "wrong", 7, "fewer"
    yield "as it is", "wrong", 12, "fewer"
    yield "5", "wrong", 5, "fails"
    yield "0", "wrong", 0, "fails"
    yield "less than none", "wrong", -1, "whole number"
    yield "a part", "wrong", 6.5, "whole number"
    yield "a text", "wrong", "6", "quotes"
    yield "a list", "wrong", [6], "list"
    yield "a bool", "wrong", True, "number"
    yield "a missing value", "wrong", float("nan"), "missing"


@answers("14-fewest")
def _fewest_at_once() -> Rows:
    yield "5", "right", 5
    yield "numpy's number", "right", np.int64(5)
    yield "a float", "equivalent", 5.0
    yield "4", "wrong", 4, "5 waves"
    yield "3", "wrong", 3, "7 waves"
    yield "1", "wrong", 1, "40 in all"
    yield "6", "wrong", 6, "fewer"
    yield "all", "wrong", 20, "fewer"
    yield "none", "wrong", 0, "whole number"
    yield "a part", "wrong", 4.5, "whole number"
    yield "a text", "wrong", "5", "quotes"
    yield "a list", "wrong", [5], "list"


@answers("14-dearest", pd.DataFrame({"state": ["Courier", "EachOrder", "Pack"], "dollars": [0.0016, 0.0003, 0.0017]}))
def _dearest() -> Rows:
    yield "Pack", "right", "Pack"
    yield "numpy's text", "right", np.str_("Pack")
    yield "in small letters", "wrong", "pack"
    yield "the longest", "wrong", "Courier", "largest"
    yield "the Map", "wrong", "EachOrder", "largest"
    yield "no state", "wrong", "Lambda"
    yield "a list", "wrong", ["Pack"], "list"
    yield "dollars", "wrong", 0.0017
    yield "nothing", "wrong", ""
