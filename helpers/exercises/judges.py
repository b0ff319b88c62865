"""The exercises, in the order of the notebooks: what solves each, and what an answer that does not may lack."""

import functools
import json
import math
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from helpers import definition as definitions
from helpers import history, planner, rehearsal
from helpers.engine import TaskFailed
from helpers.exercises.slips import Lacking, asked, number_slip, same_but_for_case, shown, source, spelled, type_of
from helpers.exercises.trial import UNANSWERED, Trial, called, function_answers, run, worker_run
from helpers.quantities import count

__all__ = ["EXERCISES", "Exercise"]

Judge = Callable[[Any, Any], None]


@dataclass(frozen=True)
class Exercise:
    """An exercise: `judge(answer, about)` raises Lacking unless the answer solves it."""

    judge: Judge
    praise: str
    hints: tuple[str, ...]


EXERCISES: dict[str, Exercise] = {}
HINTS = tomllib.loads(Path(__file__).with_name("hints.toml").read_text(encoding="utf-8"))


def exercise(name: str, *, praise: str) -> Callable[[Judge], Judge]:
    """Enter a judge under the exercise's name, which has hints in hints.toml.

    The praise must be true of every answer that earns it.
    """

    def entered(judge: Judge) -> Judge:
        EXERCISES[name] = Exercise(judge, praise, tuple(HINTS[name]))
        return judge

    return entered


def frame(about: Any, what: str, *columns: str) -> pd.DataFrame:
    """`about` as a frame with `columns` and with something in it."""
    if not isinstance(about, pd.DataFrame) or about.empty:
        raise Lacking(f"give the check your {what} as its third argument, so that it knows what you looked at.")
    if missing := [column for column in columns if column not in about]:
        raise Lacking(f"the check's third argument has no column {missing[0]}; it should be your {what}.")
    return about


def best(table: pd.DataFrame, by: "pd.Series[Any]", column: str, largest: bool = True) -> list[Any]:
    """The values of `column` in the rows where `by` is largest, or smallest: several where they tie."""
    if by.dropna().empty:
        raise Lacking("the frame in the check's third argument has nothing to compare.")
    return list(table.loc[by == (by.max() if largest else by.min()), column])


def states_of(definition: Any) -> dict[str, Any]:
    """The states of a learner's definition."""
    if not isinstance(definition, dict) or not isinstance(definition.get("States"), dict):
        raise Lacking("a definition is a dict with States in it, as definition.load returns it.")
    return dict(definition["States"])


def state(definition: Any, name: str) -> dict[str, Any]:
    """The state of that name, which an exercise asks to keep."""
    states = states_of(definition)
    if name not in states:
        raise Lacking(f"the state {name} is gone; keep it, with its name.")
    if not isinstance(states[name], dict):
        raise Lacking(f"the state {name} must be a dict.")
    return dict(states[name])


def how_often(number: int) -> str:
    return count(number, "time", "times")


def says(**payload: Any) -> dict[str, Any]:
    """What `lambda:invoke` hands to the machine when the function answers `payload`."""
    return {"ExecutedVersion": "$LATEST", "Payload": payload, "StatusCode": 200}


def tasks(definition: Any, called: str = "") -> list[str]:
    """The names of the Tasks in a definition; only those that call the function `called`, where one is named."""
    found = {}
    for one in definitions.states(definition):
        if one.type == "Task":
            arguments = one.body.get("Parameters", one.body.get("Arguments"))
            function = arguments.get("FunctionName") if isinstance(arguments, dict) else None
            found[one.name] = re.sub("[^a-z]", "", f"{function or one.body.get('Resource')}".lower())
    return [name for name, text in found.items() if called in text]


def invoked(definition: Any, answer: Any, given: Any = None, **top: Any) -> Trial:
    """A trial of the definition in which every Task gets `answer`; `top` are fields at its top."""
    return run({**definition, **top}, given, dict.fromkeys(tasks(definition), answer))


@exercise("00-longest", praise="Yes: no other state took longer.")
def _longest(answer: Any, about: Any) -> None:
    visits = frame(about, "visits", "state", "duration")
    wanted = best(visits, visits["duration"], "state")
    asked("The state that took longest", wanted, answer, "Look at the column `duration` of visits.")


@exercise("00-outside", praise="Yes: the start and the end belong to the execution, not to a state.")
def _outside(answer: Any, about: Any) -> None:
    wanted = int(frame(about, "events", "state")["state"].isna().sum())
    asked("The number of events without a state", wanted, answer, "Count the rows whose `state` is missing.")


READY = {"ready": True}
NOT_READY: list[dict[str, Any]] = [{"ready": False}, {}]
ENDED = {
    "Sandbox.Timedout": "did not come to an end",
    "Runtime.ExitError": "ended Python itself; where it raises, the class must be made of Exception",
    "Runtime.MarshalError": "returned what JSON cannot hold",
    "Function.ResponseSizeTooLarge": "returned more than 6 MB",
}
"""What a function did that raised no exception of Python's."""
NO_HANDLER = ("Runtime.HandlerNotFound", "Runtime.ImportModuleError", "Runtime.UserCodeSyntaxError")


def answered(answer: Any) -> list[tuple[dict[str, Any], Any, str | None]]:
    """Each event, what a learner's function answers to it, and the class of an error that it raised."""
    events = [READY, *NOT_READY]
    answers = function_answers(source(answer), events)
    if any(raised in NO_HANDLER for _, raised in answers):
        raise Lacking("your source defines no function lambda_handler(event, context), or breaks before it does.")
    found = [(event, got, raised) for event, (got, raised) in zip(events, answers, strict=True)]
    for event, _, raised in found:
        if raised in ENDED:
            raise Lacking(f"asked with {event} your function {ENDED[raised]}.")
    return found


def must_say(event: Any, got: Any, raised: str | None, wanted: str) -> None:
    """Raise Lacking unless the function answered `event` with the status `wanted`."""
    if raised:
        lines = re.findall(r"lambda_function.py.*? line (\d+)", json.dumps(got.get("stackTrace") or []))
        where = f" in line {lines[-1]}" if lines else "; it is called with two arguments, (event, context)"
        raise Lacking(f"asked with {event} your function raised {raised}{where}.")
    if got is None:
        raise Lacking(f"asked with {event} your function returned nothing; it should return a dict.")
    if not isinstance(got, dict):
        raise Lacking(f"asked with {event} your function answered {shown(got)}; it should return a dict.")
    for field in got:
        if same_but_for_case(field, "status"):
            raise Lacking(f"the field {field!r} of your function's answer is written status, in small letters.")
    if same_but_for_case(got.get("status"), wanted):
        raise Lacking(f"your function's status is {got['status']!r}; it is written {wanted}, in small letters.")
    if got.get("status") != wanted:
        raise Lacking(f"asked with {event} your function answered {got!r}; its `status` should be {wanted!r}.")


@exercise(
    "01-ready",
    praise="A function that can say `running` as well as `success`: from now on there is something to wait for.",
)
def _ready(answer: Any, about: Any) -> None:
    for event, got, raised in answered(answer):
        must_say(event, got, raised, "success" if event is READY else "running")


@exercise(
    "01-not-ready",
    praise="The class of your exception is the name of the error. A Retry can name it, and in 07 one will.",
)
def _not_ready(answer: Any, about: Any) -> None:
    for event, got, raised in answered(answer):
        if event is READY:
            must_say(event, got, raised, "success")
        elif raised is None:
            raise Lacking(f"asked with {event} your function answered {got!r}; it should raise an exception.")
        elif raised != "NotReady":
            raise Lacking(f"asked with {event} your function raised {raised}; the class should be called NotReady.")


def nearly(found: list[float], wanted: list[float]) -> bool:
    """Whether measured seconds are those; a busy computer may add a little to each."""
    return len(found) == len(wanted) and all(abs(a - b) < 0.25 for a, b in zip(found, wanted, strict=True))


A_MINUTE = 60  # seconds after which a machine that waits as it should is stopped


def must_wait(definition: Any, done: str) -> None:
    """Raise Lacking unless the machine goes on waiting while its function says that the job runs."""
    trial = invoked(definition, says(status="running"), TimeoutSeconds=A_MINUTE)
    if trial.status != "TIMED_OUT":
        raise Lacking(
            f"with a function that says `running` your machine ended {trial.status}; it should wait for {done}."
        )


@exercise("02-choice", praise="On to Final when the word is `success`, and back to the Wait otherwise.")
def _choice(answer: Any, about: Any) -> None:
    kind = state(answer, "CheckInvocationsStatus").get("Type")
    if kind != "Choice":
        raise Lacking(f"CheckInvocationsStatus needs the Type Choice; yours is {shown(kind)}.")
    done = invoked(answer, says(status="success"), TimeoutSeconds=A_MINUTE)
    if done.status == "TIMED_OUT":
        raise Lacking("with a function that says `success` your machine goes on waiting; a rule must look for that.")
    if done.must_succeed().last_state != "Final":
        raise Lacking(f"with a function that says `success` your machine ends in {done.last_state}, not in Final.")
    runs = invoked(answer, says(status="running"), TimeoutSeconds=A_MINUTE)
    if runs.status != "TIMED_OUT":
        raise Lacking(
            f"with a function that says `running` your machine ended {runs.ended}; its Default should be the Wait."
        )
    if runs.times("Main") > 1:
        raise Lacking("with a function that says `running` your machine goes back to Main; its Default is the Wait.")


@exercise("02-five-seconds", praise="Five seconds: a longer pause before it looks.")
def _five_seconds(answer: Any, about: Any) -> None:
    state(answer, "WaitforInvocation")
    pauses = invoked(answer, says(status="success")).must_succeed().pauses()
    if not nearly(pauses, [5]):
        raise Lacking(f"the pauses of your machine are {pauses} seconds; it should pause once, for 5.")
    must_wait(answer, "`success`")


@exercise("02-failed", praise="A job that failed is distinguished from one that is not done yet.")
def _failed(answer: Any, about: Any) -> None:
    state(answer, "CheckInvocationsStatus")
    invoked(answer, says(status="success")).must_succeed()
    trial = invoked(answer, says(status="failed"), TimeoutSeconds=A_MINUTE)
    if trial.status == "TIMED_OUT":
        raise Lacking(
            "with a function that says `failed` your machine goes on waiting; its Choice needs a rule for that word."
        )
    if trial.status != "FAILED":
        raise Lacking(f"with a function that says `failed` your machine ended {trial.status}, not FAILED.")
    if trial.visits["type"].iloc[-1] != "Fail":
        raise Lacking(
            f"your machine failed in {trial.last_state}, which is no Fail state: {trial.error}, {trial.cause}"
        )
    must_wait(answer, "`success` or `failed`")


@exercise("03-retry", praise="Three attempts, a second apart. Whether trying a bug again is wise is another question.")
def _retry(answer: Any, about: Any) -> None:
    if "FULL" in json.dumps(state(answer, "Main").get("Retry"), default=str):
        raise Lacking("JitterStrategy FULL makes the pauses uneven; they should be a second each.")
    trial = invoked(answer, TaskFailed("ValueError", "no such order"))
    if trial.status != "FAILED":
        raise Lacking(f"the function always raises, but your machine ended {trial.status}.")
    if trial.error != "ValueError":
        raise Lacking(f"the machine failed with {trial.error}, not with the function's ValueError: {trial.cause}")
    if (attempts := len(trial.attempts)) != 3:
        were = count(attempts, "attempt was", "attempts were")
        raise Lacking(f"{were} made; with two retries there should be three.")
    if not nearly(pauses := trial.backoffs(), [1, 1]):
        rate = " BackoffRate says how many times as long each is as the one before: 2 unless you say 1."
        said = f"the pauses between the attempts were {pauses} seconds; they should be 1 and 1."
        raise Lacking(said + rate * (pauses[0] != pauses[1]))
    if len(invoked(answer, TaskFailed("KeyError", "another bug")).attempts) != 1:
        raise Lacking("your machine retries a KeyError too; only a ValueError was asked for.")


@exercise("03-count", praise="Counted by AWS's word, not by the colour.")
def _count(answer: Any, about: Any) -> None:
    if not isinstance(about, pd.DataFrame) or "status" not in about:
        raise Lacking("give the check your frame of executions as its third argument.")
    wanted = int((about["status"] == "SUCCEEDED").sum())
    asked("The number of executions that succeeded", wanted, answer, "Look at the column `status` of the frame.")


@exercise("04-gap", praise="Yes: the event after the longest silence is the one that ended it.")
def _gap(answer: Any, about: Any) -> None:
    events = frame(about, "events", "id", "elapsed")
    wanted = [int(one) for one in best(events, events["elapsed"].diff(), "id")]
    why = "Take the differences of `elapsed`."
    if not number_slip(answer) and answer + 1 in wanted:
        why += " (The row's label and its `id` are two things, and of the two events the second is asked.)"
    asked("The id of the event after the longest silence", wanted, answer, why)


SEEN_TWICE = {
    "StartAt": "Pause",
    "States": {
        "Pause": {"Type": "Wait", "SecondsPath": "$.seconds", "Next": "Twice"},
        "Twice": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.seconds", "NumericEquals": 7, "Next": "Shorter"}],
            "Default": "Again",
        },
        "Shorter": {"Type": "Pass", "Result": {"seconds": 4}, "Next": "Pause"},
        "Again": {"Type": "Wait", "Seconds": 3, "End": True},
    },
}


@exercise("04-seconds-in", praise="It works on histories it has never seen.")
def _seconds_in(answer: Any, about: Any) -> None:
    if not callable(answer):
        raise Lacking("the answer is the function itself, not called and no text: def seconds_in(events, state).")
    trial = run(SEEN_TWICE, {"seconds": 7})
    for name in ("Pause", "Again", "Elsewhere"):
        durations = trial.visits.loc[trial.visits["state"] == name, "duration"]
        wanted = float(durations.dt.total_seconds().sum())
        got = called(answer, trial.events.copy(), name, like="seconds_in(events, state)")
        if got is None:
            raise Lacking("your function returned nothing; does it end in a return?")
        if slip := number_slip(got):
            raise Lacking(slip.replace("your answer", "what your function returned"))
        why = (
            "I ran a machine that visits a Wait `Pause` for 7 s and then for 4 s, and a Wait `Again` for 3 s, "
            f"and asked for {name!r}."
        )
        if abs(float(got) - wanted) > 0.5:
            raise Lacking(f"The time is not {float(got):g} s. {why}")


ORDERS = (
    {"order": 17, "customer": {"name": "Ada", "city": "Zurich"}},
    {"order": 18, "customer": {"name": "Max", "city": "Basel"}},
)


def made_of(answer: Any, order: Any) -> Any:
    """What a learner's Pass state makes of an order; raises Lacking where it is none, or fails."""
    if not isinstance(answer, dict):
        raise Lacking(f"a state is a dict with a Type; yours is {type_of(answer)}.")
    if "States" in answer:
        raise Lacking("the answer is a single state, not a whole machine.")
    if answer.get("Type") != "Pass":
        raise Lacking("the answer is a state of Type Pass.")
    alone = {key: value for key, value in answer.items() if key != "Next"} | {"End": True}
    if "Next" not in answer and answer.get("End") is not True:
        said = f"says End: {shown(answer['End'])}" if "End" in answer else "says neither Next nor End"
        raise Lacking(f"the state {said}; give it End: True.")
    trial = run({"StartAt": "Answer", "States": {"Answer": alone}}, order)
    if trial.status != "SUCCEEDED":
        raise Lacking(f"given {json.dumps(order)} the state failed with {trial.error}: {trial.cause}")
    return trial.output


@exercise("05-keep", praise="Nothing was lost on the way.")
def _keep(answer: Any, about: Any) -> None:
    for order in ORDERS:
        got, wanted = made_of(answer, order), {**order, "label": "fragile"}
        if not isinstance(got, dict) or any(got.get(field) != value for field, value in order.items()):
            raise Lacking(f"the order is not all there any more: {json.dumps(got)}")
        if got.get("label") != "fragile":
            raise Lacking(f"the field `label` should hold 'fragile'; there came {json.dumps(got)}")
        if got != wanted:
            raise Lacking(f"there should be the order and its label, and nothing else; there came {json.dumps(got)}")


@exercise("05-shape", praise="New JSON, made of paths.")
def _shape(answer: Any, about: Any) -> None:
    if isinstance(answer, dict) and answer.get("QueryLanguage", "JSONPath") != "JSONPath":
        raise Lacking("that is JSONata, which comes next; here the values are looked up with paths.")
    _shaped(answer)


@exercise("05-jsonata", praise="The same, as expressions.")
def _jsonata(answer: Any, about: Any) -> None:
    if not isinstance(answer, dict) or answer.get("QueryLanguage") != "JSONata":
        raise Lacking("the state should say QueryLanguage JSONata.")
    _shaped(answer)


def _shaped(answer: Any) -> None:
    for order in ORDERS:
        wanted = {"id": order["order"], "to": order["customer"]["city"]}  # type: ignore[index]
        got = made_of(answer, order)
        if got != wanted:
            why = f"from {json.dumps(order)} there should come {json.dumps(wanted)}, but there came {json.dumps(got)}"
            if order is not ORDERS[0]:
                why += "; look the values up in the state's input instead of writing them down."
            raise Lacking(why)


@exercise("06-round", praise="Two states, neither of which can change what the Choice looks at.")
def _round(answer: Any, about: Any) -> None:
    given = named(answer, "{'Main', 'Final'}")
    loop = {"WaitforInvocation", "CheckInvocationsStatus"}
    spelled(given, loop)
    if missing := loop - given:
        said = count(len(missing), "is", "are")
        raise Lacking(f"you named {len(given & loop)} of the {len(loop)} states on the way round; {said} missing.")
    if more := given - loop:
        raise Lacking(f"{', '.join(sorted(map(str, more)))}: is that entered again on the way round?")


def named(answer: Any, example: str) -> set[Any]:
    """An answer that should be a set of names."""
    names = list(answer) if isinstance(answer, Iterable) and not isinstance(answer, str | Mapping) else None
    if names is None or not all(isinstance(one, str) for one in names):
        raise Lacking(f"the answer is a set of names, such as {example}.")
    return set(names)


JOB = "job-17"


def job_run(definition: Any, *words: str) -> tuple[Trial, int]:
    """A trial of a machine that starts a job and asks about it, and how often it asked; the job says `words` in turn.

    Raises Lacking where it starts another number of jobs than one, or asks about another.
    """
    asking, starting = tasks(definition, "askjob"), tasks(definition, "startjob")
    answers: dict[str, Any] = dict.fromkeys(starting, says(id=JOB, status="running"))
    answers |= {name: [says(id=JOB, status=word) for word in words] for name in asking}
    trial = run(definition, {}, answers)
    if (started := trial.times(*starting)) != 1:
        raise Lacking(f"the job was started {how_often(started)}; once is enough, then ask.")
    for given in trial.parameters(*asking):
        if JOB not in json.dumps(given):
            raise Lacking(f"the function was asked with {json.dumps(given)}, where the started job's id should be.")
    return trial, trial.times(*asking)


@exercise("06-cure", praise="Asked again each turn: the loop can end now.")
def _cure(answer: Any, about: Any) -> None:
    states_of(answer)
    if any(problem.kind == "endless-loop" for problem in definitions.problems(answer)):
        raise Lacking(
            "definition.problems still finds an endless loop: nothing on the way round changes what is looked at."
        )
    trial, polls = job_run(answer, "running", "running", "success")
    trial.must_succeed()
    if polls != 3:
        raise Lacking(f"the job was asked about {how_often(polls)}; it was done at the third, and not before.")
    after = trial.visits.iloc[trial.visits["state"].isin(tasks(answer, "askjob")).argmax() :]
    if ((after["type"] == "Wait") & (after["duration"] > pd.Timedelta(0))).sum() < polls - 1:
        raise Lacking("it asks again without a pause between; the way round should lead through the Wait, too.")


@exercise("07-give-up", praise="It asks five times, and then says so.")
def _give_up(answer: Any, about: Any) -> None:
    states_of(answer)
    trial, polls = job_run(answer, "running")
    if trial.status != "FAILED":
        raise Lacking(f"with a job that never ends your machine ended {trial.status}; it should fail.")
    if trial.visits["type"].iloc[-1] != "Fail":
        raise Lacking(f"with a job that never ends your machine should end in a Fail state, and it ended {trial.ended}")
    if trial.error != "GaveUp":
        raise Lacking(
            f"the error is {trial.error or 'without a name'}; call it GaveUp, so that those who find it know."
        )
    if polls != 5:
        raise Lacking(f"your machine asked {how_often(polls)} before it gave up; it should be 5.")
    trial, polls = job_run(answer, *["running"] * 4, "success")
    if trial.status != "SUCCEEDED":
        raise Lacking(
            "with a job that is done at the fifth poll your machine should end well; ask for the answer first."
        )
    if job_run(answer, "failed")[0].error != "JobFailed":
        raise Lacking("with a job that says `failed` your machine should still end with JobFailed.")


@exercise("07-pauses", praise="Quick at first, then cheap.")
def _pauses(answer: Any, about: Any) -> None:
    states_of(answer)
    trial, _ = job_run(answer, *["running"] * 5, "success")
    pauses = trial.must_succeed().pauses()
    if not nearly(pauses, [3, 9, 27, 30, 30, 30]):
        raise Lacking(f"the pauses of your machine are {pauses} seconds; they should be 3, 9, 27 and then 30 each.")


@exercise(
    "07-cost",
    praise="Yes: each entering of a state is a transition, and no other state of this execution was entered as often.",
)
def _cost(answer: Any, about: Any) -> None:
    visits = frame(about, "visits", "state")
    if "GaveUp" not in set(visits["state"]):
        raise Lacking("these are visits of another execution; the question is about the one that gave up.")
    counts = visits["state"].value_counts()
    most = set(counts.index[counts == counts.max()])
    given = named(answer, "{'Done', 'GaveUp'}")
    spelled(given, most)
    if wrong := given - most:
        name = sorted(wrong)[0]
        entered = how_often(int(counts.get(name, 0)))
        raise Lacking(f"{name} was entered {entered}; others were entered {counts.max()} times.")
    if given != most:
        raise Lacking(f"{len(most)} states share the first place; you named {len(given)}.")


@exercise("08-polite", praise="The error is taken care of, and the order is still there.")
def _polite(answer: Any, about: Any) -> None:
    states_of(answer)
    given = {"do": "raise", "order": 17}
    trial = invoked(answer, TaskFailed("OutOfStock", "no more of these"), given).must_succeed()
    if "caught" not in set(trial.visits["status"]):
        raise Lacking("no error was caught on the way; does the function still raise?")
    if "Pass" not in set(trial.visits["type"]):
        raise Lacking("the error is caught, but no Pass state takes care of it.")
    if not isinstance(trial.output, dict) or trial.output.get("order") != 17:
        raise Lacking(f"the order 17 is gone from the output: {json.dumps(trial.output)}. ResultPath can keep it.")
    invoked(answer, says(did="well"), given).must_succeed()
    if invoked(answer, TaskFailed("KeyError", "a bug"), given).status == "SUCCEEDED":
        raise Lacking("your machine ends well after a KeyError too, which is a bug; catch OutOfStock alone.")


@exercise("08-deadline", praise="Whatever goes on inside, after half a minute it is over.")
def _deadline(answer: Any, about: Any) -> None:
    states_of(answer)
    trial = run(answer)
    if trial.status != "TIMED_OUT":
        raise Lacking(f"your machine ended {trial.status} after {trial.seconds:.0f} s; it should be TIMED_OUT.")
    if not abs(trial.seconds - 30) < 0.5:
        raise Lacking(f"it was timed out after {trial.seconds:.0f} s; it should be 30.")


@exercise("09-sql", praise="Yes: that is the dearest order of each city.")
def _sql(answer: Any, about: Any) -> None:
    if not isinstance(answer, pd.DataFrame):
        raise Lacking("the answer is the frame that you read from the result, with pandas.read_csv.")
    columns = {"city", "dearest"}
    spelled(answer.columns, columns, "the column ")
    if set(answer.columns) != columns or len(answer.columns) != 2:
        yours = ", ".join(map(str, answer.columns)) or "none"
        raise Lacking(f"the columns should be city and dearest; yours are {yours}.")
    wanted = {"Zurich": 120.5, "Basel": 80.0, "Geneva": 99.9}
    got = {str(city): dearest for city, dearest in zip(answer["city"], answer["dearest"], strict=True)}
    if len(answer) != len(got):
        raise Lacking("there should be one row per city; yours has a city more than once.")
    if missing := sorted(wanted.keys() - got):
        raise Lacking(f"there is no row for {', '.join(missing)}.")
    for dearest in got.values():
        if slip := number_slip(dearest):
            raise Lacking(slip.replace("your answer is", "a value in the column `dearest` is"))
    wrong = sorted(city for city in got if city not in wanted or abs(float(got[city]) - wanted[city]) > 0.001)
    if wrong:
        raise Lacking(f"the dearest order is not right for {', '.join(wrong)}.")


RESULT = {"OutputLocation": "s3://results/17.csv"}
FOUND = {"QueryExecution": {"QueryExecutionId": "17", "Status": {"State": "SUCCEEDED"}, "ResultConfiguration": RESULT}}


@exercise("09-caught", praise="A wrong question no longer ends in a red execution.")
def _caught(answer: Any, about: Any) -> None:
    query = state(answer, "RunQuery")
    if not str(query.get("Resource", "")).endswith("athena:startQueryExecution.sync"):
        raise Lacking("keep the .sync task RunQuery as it is; add a Catch to it.")
    # Athena refuses a question that it cannot read, and fails one that names what is not there.
    for error in ("Athena.InvalidRequestException", "States.TaskFailed"):
        trial = invoked(answer, TaskFailed(error, "the question is wrong"), {"sql": "SELECT nothing FROM nowhere"})
        trial.must_succeed()
        if "caught" not in set(trial.visits["status"]):
            raise Lacking("nothing was caught; the query should still fail, and the Catch take care of it.")
    trial = invoked(answer, FOUND, {"sql": "SELECT 1"}).must_succeed()
    if RESULT["OutputLocation"] not in json.dumps(trial.output):
        raise Lacking("a question that is right should still say where its result lies; now it does not.")
    if [one.get("QueryString") for one in trial.parameters("RunQuery")] != ["SELECT 1"]:
        raise Lacking("keep the .sync task RunQuery as it is; it no longer asks the question that it is given.")


@exercise("10-worker", praise="A worker that says plainly that it cannot.")
def _worker(answer: Any, about: Any) -> None:
    if not callable(answer):
        raise Lacking("the answer is the function itself, not called and no text: def worker(states, message).")
    trial = worker_run(answer)
    if trial.status == "SUCCEEDED":
        raise Lacking("your worker said that the task succeeded; it should say that it failed.")
    error = trial.attempts["error"].iloc[-1]
    if error == UNANSWERED:
        raise Lacking("after your worker had run, the task had not failed; the token must go back with a failure.")
    if same_but_for_case(error, "CannotDo"):
        raise Lacking(f"the error is {error!r}; it is written CannotDo, to the letter.")
    if error != "CannotDo":
        raise Lacking(f"the error is {error!r}; call it CannotDo." if isinstance(error, str) and error else NAMELESS)


NAMELESS = "the task failed without an error's name; give send_task_failure error='CannotDo'."
WAYS = {"athena query": ".sync", "approval by a person": "token", "old service that only answers when asked": "poll"}


@exercise("10-when", praise="That is the whole art: ask only those who cannot speak by themselves.")
def _when(answer: Any, about: Any) -> None:
    if not isinstance(answer, dict):
        raise Lacking("the answer is a dict: for each of the works one of '.sync', 'token', 'event', 'poll'.")
    for work, way in WAYS.items():
        if work not in answer:
            raise Lacking(f"the dict says nothing of {work!r}.")
        asked(f"The way for {work!r}", way, answer[work], "Look it up in the table.")


@functools.cache
def _worst_delay(pause: int) -> float:
    """How late the end of a job of 285 to 315 s is noticed at the latest, in seconds."""
    table = planner.compare_patterns(range(285, 316), intervals=[pause], patterns=["recheck"])
    return float(table["worst_delay"].iloc[0])


@exercise("11-pause", praise="As rarely as allowed, and not more rarely.")
def _pause(answer: Any, about: Any) -> None:
    if slip := number_slip(answer):
        raise Lacking(slip)
    if answer < 1 or answer % 1:
        raise Lacking("the answer is a number of whole seconds, 1 or more.")
    if (late := _worst_delay(int(answer))) > 15:
        raise Lacking(f"with a pause of {answer:g} s the end is noticed up to {late:,.1f} s late; 15 s are allowed.")
    if _worst_delay(int(answer) + 1) <= 15:
        raise Lacking(f"a pause of {answer:g} s keeps the bound; a longer one keeps it too, with fewer polls.")


@exercise("11-fewest", praise="The fewest polls, and in time in 95 of 100 runs: calculated, not guessed.")
def _fewest_polls(answer: Any, about: Any) -> None:
    table = frame(about, "frame `table`, with `tolerated`", "pattern", "interval", "p95_delay", "polls", "tolerated")
    quick = table[table["p95_delay"] <= table["tolerated"]]
    rows = best(table.assign(at=range(len(table))), quick["polls"].reindex(table.index), "at", largest=False)
    wanted = [(str(table["pattern"].iloc[at]), float(table["interval"].iloc[at])) for at in rows]
    if not isinstance(answer, list | tuple) or len(answer) != 2 or not isinstance(answer[0], str):
        raise Lacking('the answer is a way and its first pause, such as ("recheck", 10).')
    if slip := number_slip(answer[1]):
        raise Lacking(slip)
    if (answer[0], float(answer[1])) not in wanted:
        raise Lacking(
            f"{answer[0]} with {answer[1]:g} s is not it. Of the rows with a p95_delay of at most "
            f"{table['tolerated'].iloc[0]:g} s, which has the fewest polls?"
        )


@exercise("12-once", praise="Attempted twice, it is one bill; and each execution sends its own.")
def _once(answer: Any, about: Any) -> None:
    state(answer, "SendBill")
    replies = {name: [TaskFailed("States.Timeout", "too slow"), says(sent="bills/17.txt")] for name in tasks(answer)}
    sent: list[Any] = []
    for seed in (0, 1):
        trial = run(answer, {"order": 17, "seconds": 1}, replies, seed).must_succeed()
        given = [one.get("Payload") or {} for one in trial.parameters("SendBill")]
        if not given or not {"order", "seconds", "bucket"} <= set(given[0]):
            raise Lacking("the function needs order, seconds and bucket as before; add `bill` to its Payload.")
        if not all("bill" in one for one in given):
            raise Lacking("the function was called without a `bill`; it belongs into Payload, beside `order`.")
        sent.append(bill := given[0]["bill"])
        if other := [one["bill"] for one in given if one["bill"] != bill]:
            raise Lacking(f"one execution sent {shown(bill)} and {shown(other[0])}; it should be one bill.")
    if "$." in str(sent[0]):
        raise Lacking(f"the bill is the text {shown(sent[0])}; a key that ends in `.$` has its path looked up.")
    if sent[0] == sent[1]:
        raise Lacking(f"two executions both sent {shown(sent[0])}; each should send a bill of its own.")


@exercise("12-cancel", praise="Whoever gives up waiting lets the work go, too.")
def _cancel(answer: Any, about: Any) -> None:
    state(answer, "AskJob")
    cancelling, rest = tasks(answer, "canceljob"), dict.fromkeys(tasks(answer), says(id=JOB, status="running"))
    if not cancelling:
        raise Lacking(
            "no Task of your machine calls ${CancelJobArn}; it is a state like AskJob, with another function."
        )
    late = run(answer, {}, rest | {"AskJob": TaskFailed("NotReady", "come back later")})
    if (late.status, late.error) != ("FAILED", "GaveUp"):
        raise Lacking(f"when the job takes too long the machine should end FAILED with GaveUp, not {late.ended}.")
    if (times := late.times(*cancelling)) != 1:
        raise Lacking(
            f"when the job took too long it was cancelled {how_often(times)}; it should be once, before GaveUp."
        )
    if JOB not in json.dumps(given := late.parameters(*cancelling)):
        raise Lacking(f"the function was called with {json.dumps(given[0])}, where the job's id should be.")
    done = run(answer, {}, rest | {"AskJob": says(id=JOB, status="success")}).must_succeed()
    if done.times(*cancelling):
        raise Lacking("a job that is done was cancelled too; only giving up should lead there.")


@exercise(
    "13-caught", praise="The recorded failure would have ended well, and the machine says so before it is deployed."
)
def _caught_around(answer: Any, about: Any) -> None:
    given = state(answer, "EachOrder")
    failed = history.sample("failed-map")
    if "Catch" in given.get("ItemProcessor", {}).get("States", {}).get("Pack", {}):
        raise Lacking("leave Pack as it is; EachOrder, the Map around it, shall catch.")
    rehearsed = rehearsal.rehearse(failed, answer)
    if rehearsed.parted is None:
        raise Lacking("rehearsed, it fails as it did; give EachOrder a Catch for OutOfStock.")
    if rehearsed.status != "SUCCEEDED":
        raise Lacking(f"rehearsed, it does not succeed. {rehearsed}")
    if "caught" not in rehearsed.comparison.states["status_b"].tolist():
        raise Lacking("it succeeds, but nothing was caught; give EachOrder a Catch for OutOfStock.")


@exercise(
    "13-fewest",
    praise="As few as this execution needed. Another one may need more: that is what a folder of histories is for.",
)
def _fewest(answer: Any, about: Any) -> None:
    waited = history.sample("retries")
    patient = definitions.load(waited.with_name("retries.asl.json"))

    def ends_well(attempts: int) -> bool:
        patient["States"]["AskJob"]["Retry"][0]["MaxAttempts"] = attempts
        return rehearsal.rehearse(waited, patient).status == "SUCCEEDED"

    wanted = next(attempts for attempts in range(13) if ends_well(attempts))
    if number_slip(answer) or answer == wanted:
        return asked("MaxAttempts", wanted, answer, "")
    if answer < 0 or answer % 1:
        raise Lacking("MaxAttempts is a whole number from 0 on.")
    if answer < wanted:
        raise Lacking(f"with {answer:g} the execution fails; it needs more.")
    raise Lacking(f"with {answer:g} it ends as it did, but fewer will do; retries are counted, not attempts.")


@exercise("14-fewest", praise="Four waves of five, eight seconds; with four at a time it would be five waves.")
def _fewest_at_once(answer: Any, about: Any) -> None:
    if number_slip(answer) or answer == 5:
        return asked("MaxConcurrency", 5, answer, "")
    if answer < 1 or answer % 1:
        raise Lacking(f"{answer:g} orders at once there cannot be; MaxConcurrency is a whole number from 1 on.")
    waves = math.ceil(20 / answer)
    if waves > 4:
        raise Lacking(f"with {answer:g} at a time there are {waves} waves of two seconds, {2 * waves} in all.")
    raise Lacking(f"with {answer:g} at a time it takes {2 * waves} seconds, but fewer at a time will do, too.")


@exercise("14-dearest", praise="Each visit is a transition, and so is each retry: only Pack has retries.")
def _dearest(answer: Any, about: Any) -> None:
    sums = frame(about, "frame `sums`", "state", "dollars")
    asked("The state", best(sums, sums["dollars"], "state"), answer, "In which row of `sums` are the dollars largest?")
