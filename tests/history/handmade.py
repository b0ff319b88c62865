"""Histories written by hand after AWS's documentation, each with what we should read in it.

A line is one event: its id, previousEventId and type, the fields of its details (a bare word is the `name`), and after
`=>` the state, branch and visit that it belongs to (`.` for the top level, `-` for none). Each comes a second after the
one before, unless `at=` says which second.
"""

import botocore.session

START = 1767225600  # 2026-01-01 00:00:00 UTC
MODEL = botocore.session.get_session().get_service_model("stepfunctions")
EVENT_TYPES = set(MODEL.shape_for("HistoryEventType").enum)
_EVENT = MODEL.shape_for("HistoryEvent").members


def read(text):
    """The events of a history, and the (state, branch, visit) that each belongs to."""
    events, places = [], []
    for line in text.strip().splitlines():
        told, _, expected = line.partition("=>")
        number, previous, kind, *details = told.split()
        event = {"id": int(number), "previousEventId": int(previous), "type": kind, "timestamp": START + len(events)}
        fields = dict(detail.split("=", 1) if "=" in detail else ("name", detail) for detail in details)
        if "at" in fields:
            event["timestamp"] = START + int(fields.pop("at"))
        if fields:
            event.update(_details(kind, fields))
        events.append(event)
        places.append(_place(expected))
    return events, places


def details_key(kind):
    """The field of an event that holds the details of its type."""
    for ending in ("Entered", "Exited"):
        if kind.endswith(f"State{ending}"):
            return f"state{ending}EventDetails"
    return kind[0].lower() + kind[1:] + "EventDetails"


def _details(kind, fields):
    """The fields under the key and in the types that AWS's model gives them."""
    key = details_key(kind)
    members = _EVENT[key].members
    typed = {"integer": int, "long": int}
    return {key: {name: typed.get(members[name].type_name, str)(value) for name, value in fields.items()}}


def _place(expected):
    if expected.strip() == "-":
        return None, "", None
    state, branch, visit = expected.split()
    return state, "" if branch == "." else branch, int(visit)


HISTORIES = {
    "two branches at once, with a Map in one of them": """
 1  0 ExecutionStarted                                   => -
 2  0 ParallelStateEntered  Fan                          => Fan . 1
 3  2 ParallelStateStarted                               => Fan . 1
 4  3 PassStateEntered      Left                         => Left Fan#1:Left 1
 5  3 MapStateEntered       Each                         => Each Fan#1:Each 1
 6  4 PassStateExited       Left                         => Left Fan#1:Left 1
 7  5 MapStateStarted       length=2                     => Each Fan#1:Each 1
 8  6 WaitStateEntered      Rest                         => Rest Fan#1:Left 1
 9  7 MapIterationStarted   Each index=0                 => Each Fan#1:Each/Each#1[0] 1
10  7 MapIterationStarted   Each index=1                 => Each Fan#1:Each/Each#1[1] 1
11 10 TaskStateEntered      Work                         => Work Fan#1:Each/Each#1[1] 1
12  9 TaskStateEntered      Work                         => Work Fan#1:Each/Each#1[0] 1
13 12 TaskScheduled         resource=invoke resourceType=lambda => Work Fan#1:Each/Each#1[0] 1
14 11 TaskScheduled         resource=invoke resourceType=lambda => Work Fan#1:Each/Each#1[1] 1
15 14 TaskStarted           resource=invoke              => Work Fan#1:Each/Each#1[1] 1
16 13 TaskStarted           resource=invoke              => Work Fan#1:Each/Each#1[0] 1
17 15 TaskSucceeded         resource=invoke output={}    => Work Fan#1:Each/Each#1[1] 1
18  8 WaitStateExited       Rest                         => Rest Fan#1:Left 1
19 17 TaskStateExited       Work output={}               => Work Fan#1:Each/Each#1[1] 1
20 16 TaskSucceeded         resource=invoke output={}    => Work Fan#1:Each/Each#1[0] 1
21 19 MapIterationSucceeded Each index=1                 => Each Fan#1:Each/Each#1[1] 1
22 20 TaskStateExited       Work output={}               => Work Fan#1:Each/Each#1[0] 1
23 22 MapIterationSucceeded Each index=0                 => Each Fan#1:Each/Each#1[0] 1
24 23 MapStateSucceeded                                  => Each Fan#1:Each 1
25 23 MapStateExited        Each                         => Each Fan#1:Each 1
26 25 ParallelStateSucceeded                             => Fan . 1
27 25 ParallelStateExited   Fan                          => Fan . 1
28 27 SucceedStateEntered   Done                         => Done . 1
29 28 SucceedStateExited    Done                         => Done . 1
30 29 ExecutionSucceeded    output={}                    => -
""",
    "a branch fails, the others are cut short, the error is caught": """
 1  0 ExecutionStarted                                   => -
 2  0 ParallelStateEntered  Fan                          => Fan . 1
 3  2 ParallelStateStarted                               => Fan . 1
 4  3 TaskStateEntered      Bad                          => Bad Fan#1:Bad 1
 5  3 TaskStateEntered      Slow                         => Slow Fan#1:Slow 1
 6  3 WaitStateEntered      Rest                         => Rest Fan#1:Rest 1
 7  3 PassStateEntered      Quick                        => Quick Fan#1:Quick 1
 8  4 TaskScheduled         resource=invoke              => Bad Fan#1:Bad 1
 9  5 TaskScheduled         resource=invoke              => Slow Fan#1:Slow 1
10  8 TaskStarted           resource=invoke              => Bad Fan#1:Bad 1
11  9 TaskStarted           resource=invoke              => Slow Fan#1:Slow 1
12  7 PassStateExited       Quick                        => Quick Fan#1:Quick 1
13 10 TaskFailed            resource=invoke error=Boom cause=bang => Bad Fan#1:Bad 1
14 11 TaskStateAborted                                   => Slow Fan#1:Slow 1
15  6 WaitStateAborted                                   => Rest Fan#1:Rest 1
16 13 ParallelStateFailed                                => Fan . 1
17 16 ParallelStateExited   Fan output={}                => Fan . 1
18 17 PassStateEntered      Sorry                        => Sorry . 1
19 18 PassStateExited       Sorry                        => Sorry . 1
20 19 ExecutionSucceeded    output={}                    => -
""",
    "an activity: refused, timed out, failed, done": """
 1  0 ExecutionStarted                                   => -
 2  0 TaskStateEntered      Ask                          => Ask . 1
 3  2 ActivityScheduleFailed error=States.Runtime cause=none => Ask . 1
 4  3 ActivityScheduled     resource=arn:aws:states:us-east-1:123456789012:activity:ask at=10 => Ask . 1
 5  4 ActivityTimedOut      error=States.Timeout at=12   => Ask . 1
 6  5 ActivityScheduled     resource=arn:aws:states:us-east-1:123456789012:activity:ask at=14 => Ask . 1
 7  6 ActivityStarted       workerName=w at=15           => Ask . 1
 8  7 ActivityFailed        error=Refused cause=no at=16 => Ask . 1
 9  8 ActivityScheduled     resource=arn:aws:states:us-east-1:123456789012:activity:ask at=20 => Ask . 1
10  9 ActivityStarted       workerName=w at=23           => Ask . 1
11 10 ActivitySucceeded     output="yes" at=24           => Ask . 1
12 11 TaskStateExited       Ask output="yes" at=24       => Ask . 1
13 12 ExecutionSucceeded    output="yes" at=24           => -
""",
    "a function by its ARN: each way to fail": """
 1  0 ExecutionStarted                                   => -
 2  0 TaskStateEntered      Call                         => Call . 1
 3  2 LambdaFunctionScheduled resource=arn:f             => Call . 1
 4  3 LambdaFunctionScheduleFailed error=Lambda.Unknown cause=x => Call . 1
 5  4 LambdaFunctionScheduled resource=arn:f             => Call . 1
 6  5 LambdaFunctionStartFailed error=Lambda.Throttled cause=x => Call . 1
 7  6 LambdaFunctionScheduled resource=arn:f             => Call . 1
 8  7 LambdaFunctionStarted                              => Call . 1
 9  8 LambdaFunctionTimedOut error=States.Timeout        => Call . 1
10  9 LambdaFunctionScheduled resource=arn:f             => Call . 1
11 10 LambdaFunctionStarted                              => Call . 1
12 11 LambdaFunctionFailed  error=ValueError cause={"errorMessage":"bad","errorType":"ValueError"} => Call . 1
13 12 LambdaFunctionScheduled resource=arn:f             => Call . 1
14 13 LambdaFunctionStarted                              => Call . 1
15 14 LambdaFunctionSucceeded output=1                   => Call . 1
16 15 TaskStateExited       Call output=1                => Call . 1
17 16 ExecutionSucceeded    output=1                     => -
""",
    "an integration that submits: each way to fail, then out of time": """
 1  0 ExecutionStarted                                   => -
 2  0 TaskStateEntered      Job                          => Job . 1
 3  2 TaskScheduled         resource=startJobRun.sync    => Job . 1
 4  3 TaskStartFailed       resource=startJobRun.sync error=Glue.Throttled cause=x => Job . 1
 5  4 TaskScheduled         resource=startJobRun.sync    => Job . 1
 6  5 TaskStarted           resource=startJobRun.sync    => Job . 1
 7  6 TaskSubmitFailed      resource=startJobRun.sync error=Glue.Refused cause=x => Job . 1
 8  7 TaskScheduled         resource=startJobRun.sync    => Job . 1
 9  8 TaskStarted           resource=startJobRun.sync    => Job . 1
10  9 TaskSubmitted         resource=startJobRun.sync output={"JobRunId":"a"} => Job . 1
11 10 TaskTimedOut          resource=startJobRun.sync error=States.Timeout => Job . 1
12 11 ExecutionFailed       error=States.Timeout         => -
""",
    "stopped inside a Parallel inside a Map": """
 1  0 ExecutionStarted                                   => -
 2  0 MapStateEntered       Each                         => Each . 1
 3  2 MapStateStarted       length=2                     => Each . 1
 4  3 MapIterationStarted   Each index=0                 => Each Each#1[0] 1
 5  4 ParallelStateEntered  Fan                          => Fan Each#1[0] 1
 6  5 ParallelStateStarted                               => Fan Each#1[0] 1
 7  6 TaskStateEntered      Work                         => Work Each#1[0]/Fan#1:Work 1
 8  7 TaskScheduled         resource=invoke              => Work Each#1[0]/Fan#1:Work 1
 9  8 TaskStateAborted                                   => Work Each#1[0]/Fan#1:Work 1
10  9 ParallelStateAborted                               => Fan Each#1[0] 1
11 10 MapIterationAborted   Each index=0                 => Each Each#1[0] 1
12 11 MapStateAborted                                    => Each . 1
13 12 ExecutionAborted      error=Stopped cause=enough   => -
""",
    "out of time while waiting": """
 1  0 ExecutionStarted                                   => -
 2  0 ChoiceStateEntered    Which                        => Which . 1
 3  2 ChoiceStateExited     Which                        => Which . 1
 4  3 WaitStateEntered      Rest                         => Rest . 1
 5  4 ExecutionTimedOut     error=States.Timeout at=60   => -
""",
    "a failed task, redriven": """
 1  0 ExecutionStarted                                   => -
 2  0 TaskStateEntered      Load                         => Load . 1
 3  2 TaskScheduled         resource=invoke              => Load . 1
 4  3 TaskStarted           resource=invoke              => Load . 1
 5  4 TaskFailed            resource=invoke error=Boom cause=x => Load . 1
 6  5 ExecutionFailed       error=Boom cause=x           => -
 7  6 ExecutionRedriven     redriveCount=1 at=3600       => -
 8  7 TaskScheduled         resource=invoke              => Load . 1
 9  8 TaskStarted           resource=invoke              => Load . 1
10  9 TaskSucceeded         resource=invoke output={}    => Load . 1
11 10 TaskStateExited       Load output={}               => Load . 1
12 11 ExecutionSucceeded    output={}                    => -
""",
    "two failed branches, redriven": """
 1  0 ExecutionStarted                                   => -
 2  0 ParallelStateEntered  Fan                          => Fan . 1
 3  2 ParallelStateStarted                               => Fan . 1
 4  3 TaskStateEntered      Left                         => Left Fan#1:Left 1
 5  3 TaskStateEntered      Right                        => Right Fan#1:Right 1
 6  4 TaskScheduled         resource=invoke              => Left Fan#1:Left 1
 7  5 TaskScheduled         resource=invoke              => Right Fan#1:Right 1
 8  6 TaskFailed            resource=invoke error=Boom   => Left Fan#1:Left 1
 9  7 TaskFailed            resource=invoke error=Boom   => Right Fan#1:Right 1
10  8 ParallelStateFailed                                => Fan . 1
11 10 ExecutionFailed       error=Boom                   => -
12 11 ExecutionRedriven     redriveCount=1               => -
13 12 TaskScheduled         resource=invoke              => Right Fan#1:Right 1
14 12 TaskScheduled         resource=invoke              => Left Fan#1:Left 1
15 14 TaskSucceeded         resource=invoke              => Left Fan#1:Left 1
16 15 TaskStateExited       Left                         => Left Fan#1:Left 1
17 13 TaskSucceeded         resource=invoke              => Right Fan#1:Right 1
18 17 TaskStateExited       Right                        => Right Fan#1:Right 1
19 18 ParallelStateSucceeded                             => Fan . 1
20 18 ParallelStateExited   Fan                          => Fan . 1
21 20 ExecutionSucceeded    output={}                    => -
""",
    "a distributed Map: failed, redriven, then stopped": """
 1  0 ExecutionStarted                                   => -
 2  0 MapStateEntered       Many                         => Many . 1
 3  2 MapStateStarted       length=0                     => Many . 1
 4  3 MapRunStarted         mapRunArn=arn:run            => Many . 1
 5  4 MapRunFailed          error=States.ExceedToleratedFailureThreshold cause=x => Many . 1
 6  5 MapStateFailed                                     => Many . 1
 7  6 ExecutionFailed       error=States.ExceedToleratedFailureThreshold cause=x => -
 8  7 ExecutionRedriven     redriveCount=1               => -
 9  8 MapRunRedriven        mapRunArn=arn:run redriveCount=1 => Many . 1
10  9 MapRunSucceeded                                    => Many . 1
11 10 MapStateSucceeded                                  => Many . 1
12 10 MapStateExited        Many                         => Many . 1
13 12 MapStateEntered       More                         => More . 1
14 13 MapStateStarted       length=0                     => More . 1
15 14 MapRunStarted         mapRunArn=arn:run2           => More . 1
16 15 MapRunAborted                                      => More . 1
17 16 MapStateAborted                                    => More . 1
18 17 ExecutionAborted                                   => -
""",
    "the Map inside an iteration fails, and the outer one runs again": """
 1  0 ExecutionStarted                                   => -
 2  0 MapStateEntered       Outer                        => Outer . 1
 3  2 MapStateStarted       length=1                     => Outer . 1
 4  3 MapIterationStarted   Outer index=0                => Outer Outer#1[0] 1
 5  4 MapStateEntered       Inner                        => Inner Outer#1[0] 1
 6  5 MapStateStarted       length=1                     => Inner Outer#1[0] 1
 7  6 MapIterationStarted   Inner index=0                => Inner Outer#1[0]/Inner#1[0] 1
 8  7 FailStateEntered      No                           => No Outer#1[0]/Inner#1[0] 1
 9  8 MapIterationFailed    Inner index=0                => Inner Outer#1[0]/Inner#1[0] 1
10  8 MapStateFailed                                     => Inner Outer#1[0] 1
11 10 MapIterationFailed    Outer index=0                => Outer Outer#1[0] 1
12 10 MapStateStarted       length=1                     => Outer . 1
13 12 MapIterationStarted   Outer index=0                => Outer Outer#1[0] 1
14 13 MapStateEntered       Inner                        => Inner Outer#1[0] 2
15 14 MapStateStarted       length=1                     => Inner Outer#1[0] 2
16 15 MapIterationStarted   Inner index=0                => Inner Outer#1[0]/Inner#2[0] 2
17 16 PassStateEntered      Yes                          => Yes Outer#1[0]/Inner#2[0] 1
18 17 PassStateExited       Yes                          => Yes Outer#1[0]/Inner#2[0] 1
19 18 MapIterationSucceeded Inner index=0                => Inner Outer#1[0]/Inner#2[0] 2
20 18 MapStateSucceeded                                  => Inner Outer#1[0] 2
21 18 MapStateExited        Inner                        => Inner Outer#1[0] 2
22 21 MapIterationSucceeded Outer index=0                => Outer Outer#1[0] 1
23 21 MapStateSucceeded                                  => Outer . 1
24 21 MapStateExited        Outer                        => Outer . 1
25 24 ExecutionSucceeded    output={}                    => -
""",
    "a Map's items that cannot be evaluated, inside a branch": """
 1  0 ExecutionStarted                                   => -
 2  0 ParallelStateEntered  Fan                          => Fan . 1
 3  2 ParallelStateStarted                               => Fan . 1
 4  3 MapStateEntered       Each                         => Each Fan#1:Each 1
 5  3 EvaluationFailed      state=Each location=Items error=States.QueryEvaluationError cause=x => Each Fan#1:Each 1
 6  5 MapStateFailed                                     => Each Fan#1:Each 1
 7  6 ParallelStateFailed                                => Fan . 1
 8  7 ExecutionFailed       error=States.QueryEvaluationError cause=x => -
""",
    "a loop of an asking task, still running": """
 1  0 ExecutionStarted                                   => -
 2  0 TaskStateEntered      Submit                       => Submit . 1
 3  2 TaskScheduled         resource=invoke              => Submit . 1
 4  3 TaskSucceeded         resource=invoke output={"id":1} => Submit . 1
 5  4 TaskStateExited       Submit output={"id":1}       => Submit . 1
 6  5 WaitStateEntered      Pause at=10                  => Pause . 1
 7  6 WaitStateExited       Pause at=30                  => Pause . 1
 8  7 TaskStateEntered      Status at=30                 => Status . 1
 9  8 TaskScheduled         resource=invoke at=30        => Status . 1
10  9 TaskSucceeded         resource=invoke output="RUNNING" at=33 => Status . 1
11 10 TaskStateExited       Status output="RUNNING" at=33 => Status . 1
12 11 ChoiceStateEntered    Ready at=33                  => Ready . 1
13 12 ChoiceStateExited     Ready at=33                  => Ready . 1
14 13 WaitStateEntered      Pause at=33                  => Pause . 2
""",
}
