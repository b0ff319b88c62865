"""What the README says is so."""

import ast
import importlib.util
import inspect
import io
import json
import pathlib
import re
import subprocess
import sys
import zipfile
from collections import defaultdict

import boto3
import nbformat
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from helpers import definition, deploy, history, limits, sandbox
from helpers.lab import lessons
from helpers.sandbox.actions import needs_of
from helpers.sandbox.states_api import wire

ROOT = pathlib.Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NOTEBOOKS = ROOT / "notebooks"
SANDBOX = ROOT / "helpers" / "sandbox"
INLINE = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", README, flags=re.DOTALL))
LINES = [
    line for block in re.findall(r"```(?:bash|powershell)\n(.*?)```", README, re.DOTALL) for line in block.splitlines()
]


def section(title: str) -> str:
    """The text below a heading, up to the next."""
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def table(text: str, heading: str) -> list[list[str]]:
    """The rows of the table whose first cell of the heading is `heading`."""
    lines = iter(text.splitlines())
    next(line for line in lines if re.match(rf"\s*\|\s*{re.escape(heading)}\s*\|", line))
    next(lines)
    rows = []
    for line in lines:
        if not line.strip().startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip().strip("|").split("|")])
    return rows


def number(name: str, path: pathlib.Path) -> float:
    """A constant of a module that tests had better not import: the sandbox's belong to its own process."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return eval(compile(ast.Expression(node.value), name, "eval"))
    raise LookupError(name)


# Commands


def python_commands() -> list[str]:
    parts = [part.strip() for line in [*INLINE, *LINES] for part in re.split(r"&&|;|[{}]", line)]
    return [part for part in parts if re.search(r"\S*py\S* .*-m ", part)]


def test_commands_name_the_interpreter_that_has_what_they_need():
    """Outside the environment's own Python nothing of ours is installed."""
    for command in commands_of_ours():
        assert command.startswith((".venv/bin/", ".venv\\Scripts\\", "sfn-lab")), command
    for command in python_commands():
        interpreter, module = re.search(r"(\S+) .*?-m (\S+)", command).groups()
        if module not in ("venv", "pip"):
            assert interpreter in (".venv/bin/python", r".venv\Scripts\python"), command


def test_modules_that_commands_name_are_there():
    modules = {re.search(r"-m (\S+)", command)[1] for command in python_commands()}
    assert "tests.benchmarks" in modules
    assert "helpers" not in {module.split(".")[0] for module in modules}, "people type sfn-lab"
    assert not {module for module in modules - {"pip"} if importlib.util.find_spec(module) is None}


def typed(command: str, folder: pathlib.Path) -> str:
    """What a command of the README prints, typed in a folder, by the environment of these tests."""
    program, *words = command.split()
    found = pathlib.Path(sys.executable).parent / pathlib.PurePosixPath(program).name
    words = [str(ROOT / word) if (ROOT / word).is_file() else word for word in words]
    ran = subprocess.run([str(found), *words], cwd=folder, capture_output=True, text=True)
    assert ran.returncode == (1 if words[0] == "why" else 0), ran.stderr  # the page says: 1 where it failed
    return ran.stdout


def commands_of_ours() -> list[str]:
    """Every `sfn-lab` on the page, each once, without what sets it up."""
    parts = [part.strip() for line in [*INLINE, *LINES] for part in re.split(r"&&|;|[{}]", line)]
    return sorted({re.sub(r"^.*?(\S*sfn-lab)", r"\1", part) for part in parts if "sfn-lab " in part})


@pytest.fixture
def _own_sandbox(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_SANDBOX_DIR", str(tmp_path / "sandbox"))
    yield
    sandbox.stop()


@pytest.mark.usefixtures("_own_sandbox")
@pytest.mark.parametrize("command", commands_of_ours())
def test_every_command_works_as_it_is_typed(command, tmp_path):
    if command.endswith("reset"):
        typed(command.replace("reset", "start"), tmp_path)
    command = command.replace("\\", "/")
    if command.endswith("sfn-lab notebooks"):
        command += " --copy-only"  # JupyterLab stays open
    said = 'The notebooks are in|The sandbox (runs at|is empty)|OutOfStock|would end as before|"Version"'
    assert re.search(said, typed(command, tmp_path))


# Links and notebooks


def test_every_link_leads_somewhere():
    headings = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.*)", README, re.M)
    }
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", README):
        assert target[1:] in headings if target.startswith("#") else (ROOT / target).exists(), target


def listed() -> list[tuple[str, str, str]]:
    rows = table(section("The notebooks"), "")
    return [(*re.search(r"\[(.+)\]\(notebooks/(.+)\)", row[1]).groups(), row[3]) for row in rows]


def test_every_notebook_is_listed_with_its_own_title_and_time():
    assert sorted(name for _, name, _ in listed()) == sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))
    for title, name, minutes in listed():
        first = nbformat.read(NOTEBOOKS / name, as_version=4).cells[0].source
        assert title.casefold().split()[0] in first.splitlines()[0].casefold()
        if minutes:
            said = re.search(r"\*\*How long\.\*\* (?:About )?(\w+)", first)[1]
            assert said.replace("A", "1") == minutes, name


def test_each_lesson_has_two_or_three_exercises():
    for path in NOTEBOOKS.glob("[01][0-9]-*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        checked = [cell for cell in cells if "exercises.check(" in cell.source and cell.cell_type == "code"]
        assert len(checked) in (2, 3), path.name


def test_an_hour_is_an_hour():
    minutes = {name[:2]: int(said) for _, name, said in listed() if said}
    hour = re.search(r"\*\*An hour:\*\* ([\d, ]+)", README)[1]
    assert sum(minutes[name] for name in hour.split(", ")) <= 60


# What it finds, and what it costs


def test_the_problems_that_are_named_are_found():
    named = re.search(r"`definition.problems` finds.*", README)[0]
    kinds = set(re.findall(r"`([a-z]+(?:-[a-z]+)*)`", named))
    source = "".join(path.read_text() for path in (ROOT / "helpers" / "definition").glob("*.py"))
    assert len(kinds) > 3
    assert not {kind for kind in kinds if f'"{kind}"' not in source}
    assert [problem.kind for problem in definition.problems(definition.load("busy_wait"))] == ["endless-loop"]


def test_prices_and_limits_are_those_that_we_calculate_with():
    costs = section("On a real account")
    assert f"${limits.TRANSITION * 1000:.3f} per 1,000" in costs
    turns = (limits.HISTORY_EVENTS - 6) // 4
    assert lessons.costs_in_words() in costs
    assert f"${turns * 2 * limits.TRANSITION:.2f} if it were left alone for three and a half hours" in costs
    assert round(turns * 2 / 3600, 1) == 3.5
    assert f"at {limits.HISTORY_EVENTS:,} events" in section("The trap and the cure")


def test_the_sandboxs_figures():
    said = section("The sandbox")
    assert number("IDLE", SANDBOX / "server.py") == 8 * 3600
    assert "after eight hours without use" in said
    backend = SANDBOX / "states_api" / "backend.py"
    assert f"the last {number('EXECUTIONS_KEPT', backend):,} executions" in said
    assert "256 MB at most (`LAB_SANDBOX_BYTES`" in said
    assert 'get("LAB_SANDBOX_BYTES") or 256_000_000' in backend.read_text(encoding="utf-8")
    assert number("LONGEST_PAGE", SANDBOX / "states_api" / "history.py") == 4_000_000
    assert "at most 4 MB" in said


# On a real account


def test_permissions_cover_every_call_that_is_made():
    """What the tests recorded, and what the code calls where they did not come by."""
    policy = lessons.policy("111122223333", "eu-central-1", "me-")
    granted = {action for statement in policy["Statement"] for action in statement["Action"]}
    assert not [action for action in granted if "*" in action]
    services = {"stepfunctions": "states"} | {name: name for name in ("iam", "lambda", "logs", "sts", "sqs")}
    services |= {name: name for name in ("s3", "athena", "glue", "events")}
    asked = set(re.findall(r"""\bclient\((?:lab, )?["']([\w-]+)["']""", "\n".join(code())))
    assert asked <= set(services), "a service that the policy does not name"
    actions = defaultdict(set)
    for service, prefix in services.items():
        for operation in boto3.client(service, region_name="us-east-1").meta.service_model.operation_names:
            actions[xform_name(operation)] |= {need.action for need in needs_of(prefix, "", "", operation, {})}
    for called in sorted(calls() & set(actions) - UNASKED):
        assert actions[called] & granted, f"{called} needs one of {actions[called]}"


# What everybody may call, a word of boto3's own, what no notebook's machine has, and an exercise's, which stays on the
# sandbox.
UNASKED = {"get_caller_identity", "get_session", "create_log_group", "send_task_failure", "describe_map_run"}


def code() -> list[str]:
    """The source of notebooks and helpers, but for the sandbox's own."""
    cells = [cell for path in NOTEBOOKS.glob("*.ipynb") for cell in nbformat.read(path, as_version=4).cells]
    sources = [cell.source for cell in cells if cell.cell_type == "code"]
    sources += [path.read_text() for path in (ROOT / "helpers").rglob("*.py") if SANDBOX not in path.parents]
    return sources


def calls() -> set[str]:
    """The names of all methods that are called."""
    nodes = (node for source in code() for node in ast.walk(ast.parse(source)))
    return {node.attr for node in nodes if isinstance(node, ast.Attribute)}


def test_roles_and_boundaries_can_be_given():
    for maker in (deploy.function, deploy.state_machine):
        assert {"role", "permissions_boundary"} <= set(inspect.signature(maker).parameters)


def test_the_card_says_in_capitals_that_an_account_is_real():
    assert "the card says so in capitals" in README
    assert "REAL AWS ACCOUNT" in (ROOT / "helpers" / "lab" / "card.py").read_text()


# The sandbox


def resources() -> list[tuple[str, str]]:
    rows = table(section("The sandbox"), "a task's resource")
    return [(name, said) for cell, said in rows for name in re.findall(r"`([\w:.-]+:[\w:.-]+)`", cell)]


@pytest.fixture(scope="module")
def role(lab) -> str:
    """A role that may do what making a machine takes, and no more."""
    rules = ["events:DescribeRule", "events:PutRule", "events:PutTargets"]
    statements = [{"Effect": "Allow", "Action": rules, "Resource": "*"}]
    return deploy.role("readme", service="states", statements=statements, lab=lab)


@pytest.mark.parametrize(("resource", "said"), resources())
def test_what_a_task_may_name(lab, role, resource, said):
    machine = {
        "StartAt": "A",
        "States": {"A": {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": {}, "End": True}},
    }
    assert created(lab, role, machine) is said.startswith("works")


def rows() -> list[tuple[str, str]]:
    return [(what, test) for what, _, test in table(section("The sandbox"), "what")]


@pytest.mark.parametrize(("what", "test"), rows())
def test_each_row_of_what_is_as_on_aws_is_held_by_a_test(what, test):
    path, name = test.strip("`").split("::")
    source = (ROOT / "tests" / path).read_text(encoding="utf-8")
    assert re.search(rf"^def {name}\(", source, re.MULTILINE), what


def created(lab, role, machine) -> bool:
    """Whether a machine is made; if not, then because the sandbox lacks something."""
    states = lab.client("stepfunctions")
    name = lab.name(f"readme-{abs(hash(json.dumps(machine)))}")
    try:
        made = states.create_state_machine(name=name, definition=json.dumps(machine), roleArn=role)
    except ClientError as error:
        if "not in the sandbox" not in error.response["Error"]["Message"]:
            raise
        return False
    states.delete_state_machine(stateMachineArn=made["stateMachineArn"])
    return True


@pytest.mark.parametrize(
    ("service", "method"), [("rekognition", "list_collections"), ("workmail", "list_organizations")]
)
def test_what_moto_does_not_know_is_refused(lab, service, method):
    with pytest.raises(ClientError, match="NotInSandbox"):
        getattr(lab.client(service), method)()


def test_every_operation_of_step_functions_is_known():
    for name in boto3.client("stepfunctions", region_name="us-east-1").meta.service_model.operation_names:
        assert wire.operation(name) is not None
    assert wire.operation("CheckName") is None


@pytest.mark.parametrize(
    ("asked", "made"),
    [
        ({"Runtime": "python3.9"}, True),
        ({"Runtime": "nodejs22.x"}, False),
        ({"Runtime": "python3.13", "Layers": ["arn:aws:lambda:us-east-1:123456789012:layer:one:1"]}, False),
        ({"PackageType": "Image", "Code": {"ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/one:1"}}, False),
    ],
    ids=["python", "node", "layer", "image"],
)
def test_what_a_function_may_be(lab, asked, made):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("lambda_function.py", "def lambda_handler(event, context):\n    return 1\n")
    functions, name = lab.client("lambda"), lab.name(f"readme-{abs(hash(str(asked)))}")
    role = deploy.role("readme-function", service="lambda", statements=[], lab=lab)
    usual = {"Handler": "lambda_function.lambda_handler", "Code": {"ZipFile": packed.getvalue()}}
    if made:
        functions.create_function(FunctionName=name, Role=role, **(usual | asked))
        functions.delete_function(FunctionName=name)
    else:
        with pytest.raises(ClientError, match="not in the sandbox"):
            functions.create_function(FunctionName=name, Role=role, **(usual | asked))


# Figures


def within(measured: str, ratio: str, bound: str) -> bool:
    """Whether a row of the table of figures keeps its bound, such as `ratio <= 1.1`, `>= 3,500` or `<= 50 ms`."""
    of, sign, most = re.fullmatch(r"(ratio )?(<=|>=) ([\d.,]+)( ms| s| MB)?", bound).groups()[:3]
    found, asked = (float(text.replace(",", "")) for text in (ratio if of else measured, most))
    return found <= asked if sign == "<=" else found >= asked


@pytest.mark.parametrize(
    ("measured", "ratio", "bound"),
    [("1.2", "", "<= 1.1"), ("1", "1.2", "ratio <= 1.1"), ("3,499", "", ">= 3,500"), ("51", "2", "<= 50 ms")],
)
def test_a_figure_beyond_its_bound_would_show(measured, ratio, bound):
    assert not within(measured, ratio, bound)


@pytest.mark.parametrize("row", table(README, "figure"), ids=lambda row: row[0])
def test_a_measured_figure_keeps_its_bound(row):
    _, measured, _, ratio, bound = row
    assert not bound or within(measured, ratio, bound)


# How it is built


def test_the_picture_of_the_house_names_what_is_there():
    picture = re.search(r"```\n(notebooks/.*?)```", section("How it is built"), re.DOTALL)[1]
    house, sandbox = picture.split("helpers/\n")[1].split("tests/")[0].split("  sandbox/")
    for folder, lines in ((ROOT / "helpers", house), (SANDBOX, sandbox.split("\n", 1)[1])):
        lists = re.findall(r"^ +(\S.*?)   ", lines, re.MULTILINE)
        named = set(re.findall(r"\w+", " ".join(lists)))
        there = {path.name.removesuffix(".py") for path in folder.iterdir()}
        assert len(named) > 8
        assert named <= there


def test_samples_are_what_the_workbench_opens():
    assert history.sample("retries").is_relative_to(NOTEBOOKS / "samples")
