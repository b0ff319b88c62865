"""What JSONata expressions give, and what is said of those that fail."""

import copy
import subprocess
import sys
import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import engine
from helpers.engine import expressions
from helpers.engine.failures import StateFailed
from helpers.errors import DefinitionInvalid
from tests.engine.conftest import DATA, failure, scope_of
from tests.engine.driving import machine, passing

INPUT = {
    "l": [1, 2, 3, 4, 5],
    "one": [5],
    "o": {"a": 1, "b": [{"c": 2}, {"c": 3}]},
    "n": None,
    "text": '{"a": [1, null]}',
}


def compiled(code: str) -> Any:
    return expressions.expression("{% " + code + " %}", "Output/a")


def value(code: str, **given: Any) -> Any:
    return compiled(code)(scope_of(**{"states": {"input": INPUT}, **given}))


GIVEN: dict[str, Any] = {
    "$states.input.o.b.c": [2, 3],
    "$states.input.one": [5],
    "$states.input.n": None,
    "$states.context.State.Name": "S",
    "($s := $states; $s.context.State.Name)": "S",
    "$states.(context.State.Name)": "S",
    "$sum($states.input.l) / 2": 7.5,
    "10 / 2": 5,
    "1 / 0": "Infinity",
    "-1e308 * 10": "-Infinity",
    "0 / 0": "NaN",
    "0.1 + 0.2": 0.30000000000000004,
    "[5.5 % 2, -7 % 2.5, 7 % 2]": [1.5, -2, 1],
    "1 /* with a comment at its end */": 1,
    "(function($x, $y)<s-n?:s>{ $x & 'a' })('b')": "ba",
    "'id-' & 1234567890123456789": "id-1234567890123460000",
    "$string(1700000000000000)": "1700000000000000",
    "$string({'a': [1 / 3, 0.000001, 1e-7, 1e20, 1e21, 5.0], '1.50': '1e20'})": (
        '{"a":[0.333333333333333,0.000001,1e-7,100000000000000000000,1e+21,5],"1.50":"1e20"}'
    ),
    "$number('007') + $number('-1.5e1') + $number('0x1F') + $number(true)": 24,
    "[1..3]": [1, 2, 3],
    "{'a': $states.input.absent}": {},
    "$partition($states.input.l, 2)": [[1, 2], [3, 4], [5]],
    "$partition([1, 2, 3], 2.6)": [[1, 2], [3]],
    "$partition([1, 2])": [[1, 2]],
    "$partition([], $absent)": [[]],
    "$exists($partition([1], 0.5)) or $exists($partition([], 2)) or $exists($partition($absent, 2))": False,
    "$range(0, 10, 5)": [0, 5, 10],
    "$range(3, 1, -1)": [3, 2, 1],
    "$range(-1.7, 2, 1)": [-1, 0, 1, 2],
    "$range(1, 9, 9)": 1,
    "$exists($range(1, 5)) or $exists($range(1, 9, 0.4)) or $exists($range($absent, 3, 1))": False,
    "$exists($parse()) or $exists($hash('a')) or $exists($hash($absent, 'MD5'))": False,
    "$base64decode('YWJ')": "ab",
    "['YWI='].$base64decode()": "ab",
    "$decodeUrlComponent('a+b%2Bc%E6')": "a b+c\ufffd",
    "$formatNumber(0.125, '0.00') & $formatNumber(2.675, '0.00') & $formatNumber(-1.5, '000;-00')": "0.122.68-02",
    "$formatNumber(0.126, '0.0%')": "12.6%",
    "$toMillis('2020-01-01')": 1577836800000,
    "$sort([{'a': 1, 'b': 1}, {'a': 0, 'b': 2}, {'a': 1, 'b': 3}], function($l, $r) { $l.a > $r.a }).b": [2, 1, 3],
    "$sort([3, 1.5])": [1.5, 3],
    "$sort('one')": ["one"],
    "$hash('x', 'MD5')": "9dd4e461268c8034f5c8564e155c67a6",
    "$parse($states.input.text).a[0]": 1,
    "$parse('null')": None,
    "$random(42)": 0.7275636800328681,
    "$random(1)": 0.7308781907032909,
    "$now()": "2025-01-01T12:30:00.000Z",
    "$now('[Y]')": "2025",
    "$millis()": 1735734600000,
    "$count(null)": 1,
    "$count($states.input.absent)": 0,
    "$distinct([1, 1])": [1],
    "$distinct([0, false, 0, {'a': 1}, {'a': 1}])": [0, False, {"a": 1}],
    "$pad('a', 3)": "a  ",
    "$map([1, 2], function($v) { $v * 2 })": [2, 4],
    "$states.input ~> |o|{'b': 0}| ~> $lookup('o')": {"a": 1, "b": 0},
    "$v.x + 1": 3,
    "$nothing = null": False,
    "$null = null": True,
}


@pytest.mark.parametrize("code", GIVEN)
def test_given(code: str) -> None:
    found = value(code, variables={"v": {"x": 2}, "null": None})
    assert found == GIVEN[code]
    assert type(found) is type(GIVEN[code])


def test_an_input_that_is_passed_on_is_the_same_object() -> None:
    assert value("$states.input") is INPUT
    assert value("$states.input.o") is INPUT["o"]


def test_chance_and_time_come_from_the_scope() -> None:
    code = "{'random': $random(), 'uuid': $uuid(), 'shuffled': $shuffle([1..20])}"
    first = value(code, seed=1)
    assert value(code, seed=1) == first != value(code, seed=2)
    assert sorted(first["shuffled"]) == list(range(1, 21))
    scope = scope_of(seed=1)
    assert compiled("$random()")(scope) != compiled("$random()")(scope)
    scope.now = datetime(2031, 2, 3, 4, 5, 6, 789_999, UTC)
    assert compiled("$now()")(scope) == "2031-02-03T04:05:06.789Z"


def test_the_context_is_made_only_where_it_is_used() -> None:
    scope = scope_of(states={"input": 1})
    scope.context = lambda: pytest.fail("The context was not asked for.")
    assert compiled("$states.input + $states .input")(scope) == 2


TOO_DEEP = (
    "threw an error during evaluation: Stack overflow error: Check for non-terminating recursive function. "
    "Consider rewriting as tail-recursive"
)

FAILING = {
    "$x": "returned nothing (undefined).",
    "$states.result": "returned nothing (undefined).",
    "function($x) { $x }": "returned an unsupported result type.",
    "/a/": "returned an unsupported result type.",
    "[1, $sum]": "returned an unsupported result type.",
    "'a' + 1": 'threw an error during evaluation. T2001: The left side of the "+" operator must evaluate to a number',
    "$sum('a')": (
        'threw an error during evaluation. T0412: Argument 1 of function "sum" must be an array of "numbers"'
    ),
    **{
        f"$number('{text}')": f'threw an error during evaluation. D3030: Unable to cast value to a number: "{text}"'
        for text in ("x", "", " 1", "+1", ".5", "1.", "1_000", "0x", "NaN", "Infinity")
    },
    "-'a'": 'threw an error during evaluation. D1002: Cannot negate a non-numeric value: "a"',
    "$formatBase(1, 37)": (
        "threw an error during evaluation. D3100: The radix of the formatBase function must be between 2 and 36.  "
        "It was given 37"
    ),
    "$replace('a', '', 'b')": (
        "threw an error during evaluation. D3010: Second argument of replace function cannot be an empty string"
    ),
    "$sum(null)": (
        'threw an error during evaluation. T0412: Argument 1 of function "sum" must be an array of "numbers"'
    ),
    "$toMillis('x')": (
        "threw an error during evaluation. D3110: The argument of the toMillis function must be an ISO 8601 formatted "
        'timestamp. Given "x"'
    ),
    "$f(1)": "threw an error during evaluation. T1006: Attempted to invoke a non-function",
    "$states.input()": "threw an error during evaluation. T1006: Attempted to invoke a non-function",
    "$eval('1')": "threw an error during evaluation. T1006: Attempted to invoke a non-function",
    "$hash('x', 'sha-256')": (
        "threw an error during evaluation. D3137: Hash algorithm 'sha-256' must be one of SHA-1, SHA-384, SHA-256, "
        "SHA-512, MD5"
    ),
    "$hash('x', $absent)": (
        "threw an error during evaluation. D3137: Hash algorithm 'null' must be one of SHA-1, SHA-384, SHA-256, "
        "SHA-512, MD5"
    ),
    "$parse('{')": "threw an error during evaluation. D3137: Invalid JSON",
    "$partition([1], -1)": "threw an error during evaluation. D3137: Second argument must be zero or greater",
    "$partition('a', 2)": (
        'threw an error during evaluation. T0412: Argument 1 of function "partition" must be an array of undefined'
    ),
    "$decodeUrlComponent('%zz')": (
        'threw an error during evaluation. D3140: Malformed URL passed to $decodeUrlComponent(): "%zz"'
    ),
    "$toMillis('2020-01-01 00:00:00Z')": (
        "threw an error during evaluation. D3110: The argument of the toMillis function must be an ISO 8601 formatted "
        'timestamp. Given "2020-01-01 00:00:00Z"'
    ),
    "$sort([true, false])": (
        "threw an error during evaluation. D3070: The single argument form of the sort function can only be applied to "
        "an array of strings or an array of numbers.  Use the second argument to specify a comparison function"
    ),
    **{
        code: f'threw an error during evaluation. T0410: Argument {at} of function "{code[1:].split("(")[0]}" does '
        "not match function signature"
        for code, at in {
            "$hash()": 1,
            "$hash(1, 'MD5')": 1,
            "$hash('a', 'MD5', 1)": 3,
            "$parse(1)": 1,
            "$parse(null)": 1,
            "$partition([1], '2')": 2,
            "$random('a')": 1,
            "$range(1, true, 1)": 2,
            "$range(1, 5, null)": 3,
            "$uuid('x')": 1,
            # null is of no kind but its own
            "$contains(null, 'a')": 1,
            "$number(null)": 1,
            "$round(null)": 1,
            "$uppercase(null)": 1,
        }.items()
    },
    "($f := function($n) { 1 + $f($n + 1) }; $f(0))": TOO_DEEP,
    **dict.fromkeys(
        (
            "[1..900000] ~> $count()",
            "$range(1, 360146, 1)",
            "$range(1, 1e12, 1)",
            "$pad('a', 1e9)",
            "($f := function($s, $n) { $n = 0 ? $s : $f($s & $s, $n - 1) }; $f('x', 23))",
            "($f := function($s, $n) { $n = 0 ? $s : $f($append($s, $s), $n - 1) }; $f([1, 2], 40))",
        ),
        "threw an error during evaluation: Expression evaluation memory limit exceeded: "
        "Check for excessive memory usage",
    ),
}


@pytest.mark.parametrize("code", FAILING)
def test_failing(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    failed = failure(lambda: value(code))
    assert (failed.error, failed.location) == ("States.QueryEvaluationError", "Output/a")
    assert failed.cause == f"The JSONata expression '{code}' specified for the field 'Output/a' {FAILING[code]}"
    assert capsys.readouterr() == ("", "")


def test_an_expression_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    from helpers.engine import jsonata

    assert jsonata.MOST_STEPS == 1_000_000
    monkeypatch.setattr(jsonata, "MOST_STEPS", 20_000)
    failed = failure(lambda: value("($f := function($n) { $f($n + 1) }; $f(0))"))
    assert str(failed.cause).endswith(
        "threw an error during evaluation: Expression evaluation timeout: Check for infinite loop"
    )
    assert value("$count($map([1..1000], function($v) { $v * 2 }))") == 1000


RECURSIVE = "($f := function($n) {{ $n = 0 ? 0 : 1 + $f($n - 1) }}; $f({}))"


@pytest.mark.parametrize(
    ("deepest", "deeper"),
    [
        ("+".join(["1"] * 100), "+".join(["1"] * 101)),
        ("(" * 99 + "1" + ")" * 99, "(" * 100 + "1" + ")" * 100),
        (RECURSIVE.format(31), RECURSIVE.format(32)),
    ],
)
def test_a_hundred_parts_within_parts_are_the_most(deepest: str, deeper: str) -> None:
    value(deepest)
    assert str(failure(lambda: value(deeper)).cause).endswith(TOO_DEEP)


@pytest.mark.parametrize("code", ["1 +", "", "phone.home", "(" * 20_000])
def test_what_is_no_expression(code: str) -> None:
    with pytest.raises(DefinitionInvalid):
        engine.compiled({**machine(passing(Output="{% " + code + " %}")), "QueryLanguage": "JSONata"})


def test_types() -> None:
    scope = scope_of()
    for code, kind in {"1.5": "number", "'a'": "string", "true": "boolean", "[1]": "array", "{}": "object"}.items():
        for wanted in ("number", "string", "boolean", "array", "object"):
            evaluate = expressions.typed("{%" + code + "%}", "Items", wanted)
            if wanted == kind:
                evaluate(scope)
            else:
                said = f"Expected '{wanted}', but was '{kind}' for value: "
                assert f"returned an unexpected result type. {said}" in str(failure(evaluate, scope).cause)
    assert "but was 'null' for value: null" in str(
        failure(expressions.typed("{%null%}", "Items", "array"), scope).cause
    )


def test_an_expression_leaves_nothing_for_the_next() -> None:
    assert value("($f := $sum; $x := 1; $f([1]))") == 1
    assert "returned nothing" in str(failure(lambda: value("$x")).cause)
    assert 'function "sum"' in str(failure(lambda: value("$sum('a')")).cause)


def test_threads_share_what_is_compiled() -> None:
    evaluate = compiled(
        "$join($map([1..$states.input], function($v) { $string($v) & $substring('x' & $random(), 0, 4) }), ',')"
    )
    wanted = {number: evaluate(scope_of(states={"input": number}, seed=number)) for number in range(2, 8)}
    found: list[tuple[int, str]] = []

    def work(number: int) -> None:
        for _ in range(20):
            found.append((number, evaluate(scope_of(states={"input": number}, seed=number))))

    threads = [threading.Thread(target=work, args=(number,)) for number in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 120
    assert all(text == wanted[number] for number, text in found)


def test_the_library_is_loaded_with_the_first_expression() -> None:
    code = (
        "import sys\nfrom helpers.engine import expressions, paths, rules, templates\n"
        "templates.of({'Parameters': {'a.$': '$.b', 'c.$': 'States.UUID()'}}, 'Parameters', False)\n"
        "assert not {'jsonata', 'moto', 'boto3', 'pandas', 'networkx'} & set(sys.modules), sorted(sys.modules)\n"
        "templates.of({'Output': '{% 1 %}'}, 'Output', True)\nassert 'jsonata' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


CODES = [
    "$states.input",
    "$append($states.input, 1)",
    "$merge([$states.input, {'z': 1}])",
    "$sort($states.input)",
    "$reverse($states.input)",
    "$states.input ~> |$|{'b': 1}, 'a'|",
    "{} ~> |$states.input|{'b': 1}, 'a'|",
    "$shuffle($states.input)",
    "$states.input^(a)",
    "$states.input{a: b}",
    "$map($states.input, function($v) { $append($v, 1) })",
    "$distinct($states.input)",
    "$states.input.**",
    "$spread($states.input)",
    "$zip($states.input, $states.input)",
    "$each($states.input, function($v) { $v })",
    "$v := $append($states.input, $states.input)",
    "$partition($states.input, 2)",
]


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(CODES), DATA)
def test_data_is_never_changed(code: str, data: Any) -> None:
    before = copy.deepcopy(data)
    evaluate = compiled(code)
    results = []
    for _ in range(2):
        try:
            results.append(evaluate(scope_of(states={"input": data})))
        except StateFailed as error:
            assert error.error == "States.QueryEvaluationError"  # noqa: PT017  some fail, some do not
            results.append(error.cause)
        assert data == before
    assert results[0] == results[1]
