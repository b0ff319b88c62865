"""The exercises, in the order of the notebooks: what solves each, and what an answer that does not may lack."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from helpers import definition as definitions
from helpers import deploy, execution, history, planner
from helpers.exercises.trial import Lacking, asked, function_answer, place, run, state_output

__all__ = ["EXERCISES", "Exercise"]

Judge = Callable[[Any, Any], None]


@dataclass(frozen=True)
class Exercise:
    """An exercise: `judge(answer, about)` raises Lacking unless the answer solves it."""

    judge: Judge
    hint: str
    praise: str


EXERCISES: dict[str, Exercise] = {}


def exercise(name: str, *, hint: str, praise: str) -> Callable[[Judge], Judge]:
    """Enter a judge under the exercise's name."""

    def entered(judge: Judge) -> Judge:
        EXERCISES[name] = Exercise(judge, hint, praise)
        return judge

    return entered


def frame(about: Any, what: str) -> pd.DataFrame:
    """`about` as a frame with something in it."""
    if not isinstance(about, pd.DataFrame) or about.empty:
        raise Lacking(f"give the check your {what} as its third argument, so that it knows what you looked at.")
    return about


def extreme(table: pd.DataFrame, by: pd.Series, column: str, largest: bool = True) -> Any:
    """The value of `column` in the row where `by` is largest, or smallest."""
    ordered = by.dropna().sort_values(ascending=not largest, kind="stable")
    return table[column].loc[ordered.index[0]]


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
    found = states[name]
    if not isinstance(found, dict):
        raise Lacking(f"the state {name} must be a dict.")
    return found


def kinds(definition: Any) -> set[str]:
    """The kinds of problems that a reader of the definition finds."""
    return {problem.kind for problem in definitions.problems(definition)}


@exercise(
    "00-longest",
    hint="visits has a row for each state and a column `duration`; the largest wins.",
    praise="Yes: almost all of the time went by in the Wait state.",
)
def _longest(answer: Any, about: Any) -> None:
    visits = frame(about, "visits")
    wanted = extreme(visits, visits["duration"], "state")
    asked("The state that took longest", wanted, answer, "Look at the column `duration` of visits.")


@exercise(
    "00-outside",
    hint="In the table the column `state` is empty for such events: events['state'].isna() finds them.",
    praise="Yes: the start and the end belong to the execution, not to a state.",
)
def _outside(answer: Any, about: Any) -> None:
    wanted = int(frame(about, "events")["state"].isna().sum())
    asked("The number of events without a state", wanted, answer, "Count the rows whose `state` is missing.")


READY = {"ready": True}
NOT_READY = {"ready": False}


@exercise(
    "01-ready",
    hint="event is a dict: event['ready'] is True or False.",
    praise="A function that can say `running` as well as `success`: from now on there is something to wait for.",
)
def _ready(answer: Any, about: Any) -> None:
    for event, wanted in ((READY, "success"), (NOT_READY, "running")):
        got, raised = function_answer(answer, event)
        if raised:
            raise Lacking(f"asked with {event} your function raised {raised}: {got.get('errorMessage')}")
        if not isinstance(got, dict) or got.get("status") != wanted:
            raise Lacking(f"asked with {event} your function answered {got!r}; its `status` should be {wanted!r}.")


@exercise(
    "01-not-ready",
    hint="Define a class NotReady(Exception) above the handler, and raise it where the answer would be `running`.",
    praise="The class of your exception is the name of the error. A Retry can name it, and in 07 one will.",
)
def _not_ready(answer: Any, about: Any) -> None:
    got, raised = function_answer(answer, READY)
    if raised or not isinstance(got, dict) or got.get("status") != "success":
        raise Lacking(f"asked with {READY} your function should still answer success, but there came {got!r}.")
    got, raised = function_answer(answer, NOT_READY)
    if raised is None:
        raise Lacking(f"asked with {NOT_READY} your function answered {got!r}; it should raise an exception.")
    if raised != "NotReady":
        raise Lacking(f"asked with {NOT_READY} your function raised {raised}; the class should be called NotReady.")


@exercise(
    "02-five-seconds",
    hint="The definition is a dict of dicts: mine['States']['WaitforInvocation']['Seconds'].",
    praise="Five seconds, and all the rest as it was.",
)
def _five_seconds(answer: Any, about: Any) -> None:
    state(answer, "WaitforInvocation")
    trial = run(answer).must_succeed()
    if trial.pauses() != [5.0]:
        raise Lacking(f"your machine paused for {trial.pauses()} seconds; it should pause once, for 5.")


@exercise(
    "02-failed",
    hint="Choices is a list: append a rule like the first, with `failed` and the name of a new state of Type Fail.",
    praise="A job that failed is told apart from one that is not done yet.",
)
def _failed(answer: Any, about: Any) -> None:
    rules = state(answer, "CheckInvocationsStatus").get("Choices", [])
    if len(rules) < 2:
        raise Lacking("the Choice still has one rule; it needs a second one for the word `failed`.")
    run(answer).must_succeed()
    trial = run(_answering(answer, "failed"))
    if trial.status != "FAILED":
        raise Lacking(f"with a function that says `failed` your machine ended {trial.status}, not FAILED.")
    ended = state(answer, trial.last_state)
    if ended.get("Type") != "Fail":
        raise Lacking(
            f"your machine failed in {trial.last_state}, which is no Fail state: {trial.error}, {trial.cause}"
        )


def _answering(definition: dict[str, Any], word: str) -> dict[str, Any]:
    """The definition with a Pass state that says `word` in the place of its Main."""
    told = {"Type": "Pass", "Result": {"status": word}, "Next": state(definition, "Main").get("Next")}
    return {**definition, "States": {**definition["States"], "Main": told}}


@exercise(
    "03-retry",
    hint="Retry is a list of rules. Add one with ErrorEquals ['ValueError'], IntervalSeconds 1 and MaxAttempts 2.",
    praise="Three attempts, a second apart. Whether trying a bug again is wise is another question.",
)
def _retry(answer: Any, about: Any) -> None:
    state(answer, "Main")
    trial = run(answer)
    if trial.status != "FAILED":
        raise Lacking(f"the function always raises, but your machine ended {trial.status}.")
    if trial.error != "ValueError":
        raise Lacking(f"the machine failed with {trial.error}, not with the function's ValueError: {trial.cause}")
    if (tries := len(trial.attempts)) != 3:
        raise Lacking(f"there were {tries} attempts; with two retries there should be three.")


@exercise(
    "03-count",
    hint="list_executions takes a statusFilter; or count in the frame: (frame['status'] == 'FAILED').sum().",
    praise="Counted by AWS's word, not by the colour.",
)
def _count(answer: Any, about: Any) -> None:
    if not isinstance(about, pd.DataFrame) or "status" not in about:
        raise Lacking("give the check your frame of executions as its third argument.")
    wanted = int((about["status"] == "SUCCEEDED").sum())
    asked("The number of executions that succeeded", wanted, answer, "Look at the column `status` of the frame.")


@exercise(
    "04-gap",
    hint="events['elapsed'].diff() is the time since the event before; idxmax() finds where it is longest.",
    praise="The Wait's exit: the event that comes after the longest silence is the one that ends the pause.",
)
def _gap(answer: Any, about: Any) -> None:
    events = frame(about, "events")
    wanted = int(extreme(events, events["elapsed"].diff(), "id"))
    asked("The id of the event after the longest silence", wanted, answer, "Take the differences of `elapsed`.")


@exercise(
    "04-seconds-in",
    hint="history.visits(events) has the columns state and duration; .dt.total_seconds() makes numbers of durations.",
    praise="It works on histories it has never seen.",
)
def _seconds_in(answer: Any, about: Any) -> None:
    if not callable(answer):
        raise Lacking("the answer is a function: def seconds_in(events, state).")
    wait = {"Type": "Wait", "Seconds": 7, "Next": "Again"}
    again = {"Type": "Wait", "Seconds": 3, "End": True}
    trial = run({"StartAt": "Pause", "States": {"Pause": wait, "Again": again}})
    for name, wanted in (("Pause", 7.0), ("Again", 3.0), ("Elsewhere", 0.0)):
        got = answer(trial.events, name)
        why = f"I ran a machine with a Wait `Pause` of 7 s and a Wait `Again` of 3 s and asked for {name!r}."
        asked("The time", wanted, got, why)


ORDER = {"order": 17, "customer": {"name": "Ada", "city": "Zurich"}}


@exercise(
    "05-keep",
    hint="ResultPath says where the result goes; $.label puts it beside what is there.",
    praise="Nothing was lost on the way.",
)
def _keep(answer: Any, about: Any) -> None:
    got = state_output(answer, ORDER)
    if not isinstance(got, dict) or got.get("order") != 17 or "customer" not in got:
        raise Lacking(f"the order is not all there any more: {json.dumps(got)}")
    if got.get("label") != "fragile":
        raise Lacking(f"the field `label` should hold 'fragile'; there came {json.dumps(got)}")


WANTED = {"id": 17, "to": "Zurich"}


@exercise(
    "05-shape",
    hint="Parameters with two keys that end in `.$`.",
    praise="New JSON, made of paths.",
)
def _shape(answer: Any, about: Any) -> None:
    _shaped(answer)


@exercise(
    "05-jsonata",
    hint="QueryLanguage JSONata, and an Output whose values are '{% $states.input. ... %}'.",
    praise="The same, as expressions.",
)
def _jsonata(answer: Any, about: Any) -> None:
    if not isinstance(answer, dict) or answer.get("QueryLanguage") != "JSONata":
        raise Lacking("the state should say QueryLanguage JSONata.")
    _shaped(answer)


def _shaped(answer: Any) -> None:
    if "17" in json.dumps(answer) or "Zurich" in json.dumps(answer):
        raise Lacking("the values are written into the state; look them up in its input instead.")
    got = state_output(answer, ORDER)
    if got != WANTED:
        raise Lacking(
            f"from {json.dumps(ORDER)} there should come {json.dumps(WANTED)}, but there came {json.dumps(got)}"
        )


@exercise(
    "06-round",
    hint="Follow Default with a finger until you are back where you were.",
    praise="Two states, neither of which can change what the Choice looks at.",
)
def _round(answer: Any, about: Any) -> None:
    try:
        given = set(answer)
    except TypeError:
        raise Lacking("the answer is a set of names, such as {'Main', 'Final'}.") from None
    loop = {"WaitforInvocation", "CheckInvocationsStatus"}
    if missing := loop - given:
        raise Lacking(
            f"you named {len(given & loop)} of the {len(loop)} states on the way round; {len(missing)} are missing."
        )
    if more := given - loop:
        raise Lacking(f"{', '.join(sorted(map(str, more)))}: is that entered again on the way round?")


@exercise(
    "06-cure",
    hint="The way round must lead through AskJob: let Default, or the Wait's Next, point where the asking is done.",
    praise="Asked again each turn: the loop can end now.",
)
def _cure(answer: Any, about: Any) -> None:
    states_of(answer)
    if "endless-loop" in kinds(answer):
        raise Lacking(
            "definition.problems still finds an endless loop: nothing on the way round changes what is looked at."
        )
    trial = run(answer, {"seconds": 5}).must_succeed()
    if trial.times("StartJob") != 1:
        raise Lacking(f"the job was started {trial.times('StartJob')} times; once is enough, then ask.")
    if trial.times("AskJob") < 2:
        raise Lacking("the job was asked about only once; with a job of 5 seconds that cannot have been enough.")


@exercise(
    "07-give-up",
    hint="In JSONata `polls` is a variable already: a third rule in the Choice: Condition '{% $polls >= 5 %}'.",
    praise="It asks five times, and then says so.",
)
def _give_up(answer: Any, about: Any) -> None:
    states_of(answer)
    run(answer, {"seconds": 3}).must_succeed()
    trial = run(answer, {"seconds": 100_000})
    if trial.status != "FAILED":
        raise Lacking(f"with a job that takes a day your machine ended {trial.status}; it should fail.")
    if (polls := trial.times("AskJob")) != 5:
        raise Lacking(f"your machine asked {polls} times before it gave up; it should be 5.")
    if trial.error != "GaveUp":
        raise Lacking(f"the error is {trial.error}; call it GaveUp, so that those who find it know.")


@exercise(
    "07-pauses",
    hint="Start with 3 and multiply by 3; $min([..., 30]) keeps it at 30.",
    praise="Quick at first, then cheap.",
)
def _pauses(answer: Any, about: Any) -> None:
    states_of(answer)
    pauses = run(answer, {"seconds": 100}).pauses()
    if pauses[:4] != [3.0, 9.0, 27.0, 30.0]:
        raise Lacking(f"the first pauses of your machine are {pauses[:4]} seconds; they should be 3, 9, 27 and 30.")


@exercise(
    "07-cost",
    hint="Every entering of a state is a transition: count the rows of visits by state.",
    praise="In a loop every state is entered equally often; none of them is to blame alone.",
)
def _cost(answer: Any, about: Any) -> None:
    visits = frame(about, "visits")
    counts = visits["state"].value_counts()
    most = set(counts.index[counts == counts.max()])
    given = {answer} if isinstance(answer, str) else set(answer)
    if wrong := given - most:
        name = sorted(map(str, wrong))[0]
        raise Lacking(f"{name} was entered {int(counts.get(name, 0))} times; others were entered {counts.max()} times.")
    if given != most:
        raise Lacking(f"{len(most)} states share the first place; you named {len(given)}.")


@exercise(
    "08-polite",
    hint="A Catch rule for OutOfStock whose Next is a Pass state; ResultPath keeps the order beside the error.",
    praise="The error is taken care of, and the order is still there.",
)
def _polite(answer: Any, about: Any) -> None:
    states_of(answer)
    trial = run(answer, {"do": "raise", "order": 17}).must_succeed()
    if not isinstance(trial.output, dict) or trial.output.get("order") != 17:
        raise Lacking(f"the order 17 is gone from the output: {json.dumps(trial.output)}. ResultPath can keep it.")
    if "caught" not in set(trial.visits["status"]):
        raise Lacking("no error was caught on the way; does the function still raise?")


@exercise(
    "08-deadline",
    hint="TimeoutSeconds stands at the top of the definition, beside StartAt.",
    praise="Whatever goes on inside, after half a minute it is over.",
)
def _deadline(answer: Any, about: Any) -> None:
    states_of(answer)
    trial = run(answer)
    if trial.status != "TIMED_OUT":
        raise Lacking(f"your machine ended {trial.status}; it should be TIMED_OUT.")
    took = trial.events["elapsed"].max().total_seconds()
    asked("The time until then", 30.0, took, "It should be 30 seconds.")


@exercise(
    "09-sql",
    hint="SELECT city, max(total) ... GROUP BY city.",
    praise="A question of your own, waited for properly.",
)
def _sql(answer: Any, about: Any) -> None:
    if not isinstance(answer, pd.DataFrame):
        raise Lacking("the answer is the frame that you read from the result, with pandas.read_csv.")
    if list(answer.columns) != ["city", "dearest"]:
        raise Lacking(f"the columns should be city and dearest; yours are {', '.join(map(str, answer.columns))}.")
    wanted = {"Zurich": 120.5, "Basel": 80.0, "Geneva": 99.9}
    got = dict(zip(answer["city"], answer["dearest"], strict=True))
    if got != wanted:
        wrong = sorted(city for city in wanted | got if wanted.get(city) != got.get(city))
        raise Lacking(f"the dearest order is not right for {', '.join(wrong)}.")


@exercise(
    "09-caught",
    hint="Give RunQuery a Catch for States.ALL that leads to a Pass state with End.",
    praise="A wrong question no longer ends in a red execution.",
)
def _caught(answer: Any, about: Any) -> None:
    query = state(answer, "RunQuery")
    if not str(query.get("Resource", "")).endswith("athena:startQueryExecution.sync"):
        raise Lacking("keep the .sync task RunQuery as it is; add a Catch to it.")
    trial = run(answer, {"sql": "SELECT nothing FROM nowhere"}).must_succeed()
    if "caught" not in set(trial.visits["status"]):
        raise Lacking("nothing was caught; the query should still fail, and the Catch take care of it.")


@exercise(
    "10-worker",
    hint="json.loads(message['Body'])['token'] is the token; states.send_task_failure takes it, an error and a cause.",
    praise="A worker that says plainly that it cannot.",
)
def _worker(answer: Any, about: Any) -> None:
    if not callable(answer):
        raise Lacking("the answer is a function: def worker(states, message).")
    lab = place()
    queue = lab.client("sqs").create_queue(QueueName=lab.name("exercise"), tags=lab.tags)["QueueUrl"]
    machine = deploy.deploy("callback", "exercise-worker", QueueUrl=queue, lab=lab)
    arn = execution.start(machine.arn, {"job": "divide by zero"}, lab=lab)
    try:
        message = lab.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"][0]
        answer(lab.client("stepfunctions"), message)
        events = history.events(execution.events(arn, lab=lab))
        failed = events[events["type"] == "TaskFailed"]
        if failed.empty:
            raise Lacking("after your worker had run, the task had not failed; the token must go back with a failure.")
        if failed["error"].iloc[0] != "CannotDo":
            raise Lacking(f"the error is {failed['error'].iloc[0]!r}; call it CannotDo.")
    finally:
        execution.stop(arn, "Exercise.Stopped", lab=lab)
        lab.client("stepfunctions").delete_state_machine(stateMachineArn=machine.arn)
        lab.client("sqs").delete_queue(QueueUrl=queue)


WAYS = {"athena query": ".sync", "approval by a person": "token", "old service that only answers when asked": "poll"}


@exercise(
    "10-when",
    hint="The table above: does it have .sync? Can it keep a text and call AWS? Can it only be asked?",
    praise="That is the whole art: ask only those who cannot speak by themselves.",
)
def _when(answer: Any, about: Any) -> None:
    if not isinstance(answer, dict):
        raise Lacking("the answer is a dict: for each of the works one of '.sync', 'token', 'event', 'poll'.")
    for work, way in WAYS.items():
        asked(f"The way for {work!r}", way, answer.get(work, ...), "Look it up in the table.")


@exercise(
    "11-pause",
    hint="planner.plan('recheck', 300, interval=...) tells worst_delay and events; a loop over intervals finds it.",
    praise="As rarely as allowed, and not more rarely.",
)
def _pause(answer: Any, about: Any) -> None:
    try:
        plan = planner.plan("recheck", 300, interval=answer)
    except TypeError:
        raise Lacking("the answer is a number of seconds.") from None
    if plan["worst_delay"] > 15.1:
        raise Lacking(
            f"with a pause of {answer} s the end is noticed up to {plan['worst_delay']:.1f} s late; 15 are allowed."
        )
    if answer < 14:
        raise Lacking(
            f"a pause of {answer} s keeps the bound, but makes {plan['polls']:.0f} polls; a longer one keeps it too."
        )


@exercise(
    "11-cheapest",
    hint="measured[measured['delay'] < 20] keeps the rows that are quick enough; then the fewest events.",
    praise="Measured, not guessed.",
)
def _cheapest(answer: Any, about: Any) -> None:
    measured = frame(about, "frame `measured`")
    quick = measured[(measured["job"] == 250) & (measured["delay"] < 20)]
    wanted = int(extreme(quick, quick["events"], "pause", largest=False))
    asked(
        "The pause",
        wanted,
        answer,
        "Among the rows for the job of 250 s with a delay below 20 s, which has fewest events?",
    )
