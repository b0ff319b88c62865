"""Make or update a role, a function and a state machine, each once and no more."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, TypeVar

from botocore.exceptions import ClientError, WaiterError

from helpers import definition as definitions
from helpers.calls import plainly, saying
from helpers.definition import states
from helpers.definition.validation import form
from helpers.deploy import kinds
from helpers.deploy.archive import archive, digest
from helpers.deploy.ownership import check_ours, log_group_of, tag_list, tag_mapping
from helpers.deploy.permissions import Setting, function_statements, machine_statements, trust
from helpers.errors import DefinitionInvalid, DeployFailed, PlaceholderLeft
from helpers.lab import Lab, current

__all__ = ["Undo", "filled", "function", "role", "state_machine", "undoing"]

Made = TypeVar("Made")

POLICY = "needed"
RUNTIME = "python3.13"
PATIENCE = 60.0  # seconds; IAM gives no bound, a new role is usually usable after some ten
PATIENCE_WITH_GIVEN = 10.0  # seconds; a role that was there before is not new, or hardly
SETTLING = 10.0  # seconds until a new policy is in force everywhere: nothing says when, and a first run would be denied


class Undo(ExitStack):
    """How to remove what was made so far, and when (on the monotonic clock) the new permissions will be in force."""

    settled = 0.0


@contextmanager
def undoing(whole: Undo | None = None) -> Iterator[Undo]:
    """Callbacks pushed on the stack run, last first, when the block fails or is interrupted, and only then.

    A block that is a step of a `whole` pushes them on that stack.
    """
    if whole is not None:
        yield whole
        return
    with Undo() as undo:
        yield undo
        undo.pop_all()
    with saying("Waiting until AWS knows the new permissions everywhere ..."):
        time.sleep(max(0.0, undo.settled - time.monotonic()))


def role(
    name: str,
    *,
    service: str = "lambda",
    statements: Sequence[Mapping[str, Any]] = (),
    permissions_boundary: str | None = None,
    lab: Lab | None = None,
) -> str:
    """Make or update a role that `service` ("lambda", "states") may assume, and return its ARN.

    `statements` are the IAM policy statements of all that it is allowed; `permissions_boundary` the ARN of the policy
    that a company sets above its roles; one that is set already stays where none is given. The name gets the lab's
    prefix and, since IAM knows no regions, the region at its end: a role of another region must not be changed. Where
    the lab's rules name a role for all functions or machines, nothing is made, and that one is returned.

    Raises ForeignResource when a role of that name is not ours, NotAllowed when we may not make roles.
    """
    lab = lab or current()
    if given := {"lambda": lab.rules.function_role, "states": lab.rules.role}.get(service):
        return given
    with undoing() as undo:
        return _role(lab, undo, _role_name(lab, name), service, statements, permissions_boundary)


def _role_name(lab: Lab, name: str) -> str:
    return lab.name(f"{name}-{lab.region}")


def _role(
    lab: Lab,
    undo: Undo,
    name: str,
    service: str,
    statements: Sequence[Mapping[str, Any]],
    permissions_boundary: str | None,
) -> str:
    iam = lab.client("iam")
    trusted = trust(service)
    with plainly(f"make the role {name}"):
        try:
            found = iam.get_role(RoleName=name)["Role"]
        except iam.exceptions.NoSuchEntityException:
            found = None
        if found is None:
            bounded = {"PermissionsBoundary": permissions_boundary} if permissions_boundary else {}
            undo.callback(kinds.take_back, lab, "role", name, kinds.remove_role)
            create = {"RoleName": name, "AssumeRolePolicyDocument": json.dumps(trusted), "Tags": tag_list(lab)}
            try:
                found = iam.create_role(**create, **bounded)["Role"]
            except iam.exceptions.EntityAlreadyExistsException:  # made; its answer got lost, botocore asked again
                found = iam.get_role(RoleName=name)["Role"]
                check_ours(lab, "role", name, tag_mapping(found.get("Tags", [])))
            changed = True
        else:
            check_ours(lab, "role", name, tag_mapping(found.get("Tags", [])))
            changed = not _same(found["AssumeRolePolicyDocument"], trusted)
            if changed:
                iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trusted))
            permissions_boundary = permissions_boundary or lab.rules.permissions_boundary
            bound = found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
            if permissions_boundary and bound != permissions_boundary:
                iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=permissions_boundary)
        changed |= _allow(iam, name, statements)
    if changed and lab.target != "sandbox":
        undo.settled = time.monotonic() + SETTLING
    return str(found["Arn"])


def _same(one: Any, other: Any) -> bool:
    """Whether two policies say the same: IAM may give back a list of one as its only item."""
    return bool(_unlisted(one) == _unlisted(other))


def _unlisted(value: Any) -> Any:
    if isinstance(value, list):
        return _unlisted(value[0]) if len(value) == 1 else [_unlisted(one) for one in value]
    return {key: _unlisted(one) for key, one in value.items()} if isinstance(value, dict) else value


def _allow(iam: Any, name: str, statements: Sequence[Mapping[str, Any]]) -> bool:
    """Make `statements` the role's only policy; say whether that changed it."""
    try:
        allowed = iam.get_role_policy(RoleName=name, PolicyName=POLICY)["PolicyDocument"]
    except iam.exceptions.NoSuchEntityException:
        allowed = None
    wanted = {"Version": "2012-10-17", "Statement": [dict(one) for one in statements]} if statements else None
    if _same(allowed, wanted):
        return False
    if wanted is None:
        iam.delete_role_policy(RoleName=name, PolicyName=POLICY)
    else:
        iam.put_role_policy(RoleName=name, PolicyName=POLICY, PolicyDocument=json.dumps(wanted))
    return True


def function(
    name: str,
    source: str | Path | None = None,
    *,
    handler: str = "lambda_function.lambda_handler",
    runtime: str = RUNTIME,
    timeout: int = 3,
    memory: int = 128,
    environment: Mapping[str, str] | None = None,
    statements: Sequence[Mapping[str, Any]] = (),
    role: str | None = None,
    permissions_boundary: str | None = None,
    lab: Lab | None = None,
    undo: Undo | None = None,
) -> str:
    """Make or update a Lambda function, wait until it can be invoked, and return its ARN.

    `source` is a folder or a .py file; left out, the folder of that name among `definitions/functions/`. An unchanged
    source is not uploaded again. `timeout` is in seconds, `memory` in MB. The function's own role may write its log and
    do what the IAM `statements` say, and those in the file `<name>.statements.json` beside its folder; `role`, the
    ARN of one that exists, is used instead. How to undo it is left on the stack `undo`, if it is a step of several.

    Raises ForeignResource when a function of that name is not ours, NotFound for an unknown source, DeployFailed when
    Lambda cannot take it, NotAllowed when we may not.
    """
    lab = lab or current()
    with undoing(undo) as undo:
        packed = archive(definitions.function_source(name) if source is None else Path(source))
        ours, role = lab.name(name), role or lab.rules.function_role
        workgroup = {"LAB_WORKGROUP": lab.rules.workgroup} if lab.rules.workgroup else {}
        client = lab.client("lambda")
        _check_function(lab, ours)
        settings: dict[str, Any] = {
            "FunctionName": ours,
            "Runtime": runtime,
            "Handler": handler,
            "Timeout": timeout,
            "MemorySize": memory,
            "Environment": {"Variables": {**workgroup, **(environment or {})}},
        }
        patience = PATIENCE if role is None else PATIENCE_WITH_GIVEN
        if role is None:
            here = setting(lab, ours)
            declared = _declared(here, name, lab.rules.workgroup) if source is None else []
            needed = [*function_statements(ours, here), *declared, *statements]
            role = _role(lab, undo, _role_name(lab, f"{name}-lambda"), "lambda", needed, permissions_boundary)
        settings["Role"] = role
        with plainly(f"make the function {ours}"):
            try:
                found = client.get_function_configuration(FunctionName=ours)
            except client.exceptions.ResourceNotFoundException:
                create = {**settings, "Code": {"ZipFile": packed}, "Tags": dict(lab.tags)}
                undo.callback(kinds.take_back, lab, "function", ours)
                try:
                    found = patiently(
                        lambda: client.create_function(**create), _role_not_ready, f"the function {ours}", patience
                    )
                except client.exceptions.ResourceConflictException:  # as with a role: made, and not heard of
                    _check_function(lab, ours)
                    found = client.get_function_configuration(FunctionName=ours)
            else:
                _update_function(client, found, settings, packed, patience)
            _wait(client, "function_active_v2", ours)
        return str(found["FunctionArn"])


def _declared(here: Setting, name: str, workgroup: str | None) -> list[dict[str, Any]]:
    """What a function of ours calls by itself, and so must be allowed: it is written beside its folder."""
    beside = definitions.function_source(name).with_name(f"{name}.statements.json")
    if not beside.is_file():
        return []
    text = beside.read_text(encoding="utf-8").replace("arn:aws:", f"arn:{here.partition}:")
    text = text.replace("${Prefix}", here.prefix).replace("${Workgroup}", workgroup or "primary")
    return list(json.loads(text.replace('"${Buckets}"', json.dumps(here.buckets))))


def _check_function(lab: Lab, name: str) -> None:
    """Refuse a function of that name that is not ours."""
    client = lab.client("lambda")
    with plainly(f"look for the function {name}"):
        try:
            tags = client.get_function(FunctionName=name).get("Tags", {})
        except client.exceptions.ResourceNotFoundException:
            return
    check_ours(lab, "function", name, tags)


def _update_function(
    client: Any, found: Mapping[str, Any], settings: dict[str, Any], packed: bytes, patience: float
) -> None:
    name = settings["FunctionName"]
    _wait(client, "function_active_v2", name)
    # A lesson that throttles a function may have been left in the middle.
    if "ReservedConcurrentExecutions" in client.get_function_concurrency(FunctionName=name):
        client.delete_function_concurrency(FunctionName=name)
    if found["CodeSha256"] != digest(packed):
        _wait(client, "function_updated_v2", name)
        client.update_function_code(FunctionName=name, ZipFile=packed)
    if any(found.get(key, {"Variables": {}} if key == "Environment" else None) != settings[key] for key in settings):
        _wait(client, "function_updated_v2", name)
        patiently(
            lambda: client.update_function_configuration(**settings), _role_not_ready, f"the function {name}", patience
        )
    _wait(client, "function_updated_v2", name)


def _wait(client: Any, waiter: str, name: str) -> None:
    try:
        with saying(f"Waiting until the function {name} is ready ..."):
            client.get_waiter(waiter).wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    except WaiterError as error:
        last = error.last_response
        if "Error" in last:
            raise ClientError(last, "GetFunction") from None
        configuration = last.get("Configuration", last)
        reason = configuration.get("StateReason") or configuration.get("LastUpdateStatusReason") or str(error)
        raise DeployFailed(f"The function {name} did not become ready: {reason}") from None


def _role_not_ready(error: ClientError) -> bool:
    """Lambda and Step Functions refuse a role that IAM has made but not yet made known everywhere."""
    message = error.response.get("Error", {}).get("Message", "")
    return any(
        phrase in message
        for phrase in ("cannot be assumed by Lambda", "authorized to assume", "not authorized to access the Log")
    )


def patiently(call: Callable[[], Made], not_yet: Callable[[ClientError], bool], making: str, patience: float) -> Made:
    """Call again, after growing pauses, as long as `not_yet` says of the refusal that time will heal it.

    Raises DeployFailed after `patience` seconds of pauses; any other refusal as it comes.
    """
    pause, paused = 0.5, 0.0
    with saying(f"Waiting until AWS takes {making} ..."):
        while True:
            try:
                return call()
            except ClientError as error:
                if not not_yet(error):
                    raise
                if paused >= patience:
                    message = error.response.get("Error", {}).get("Message", "")
                    raise DeployFailed(f"After {patience:.0f} s AWS still refuses {making}: {message}") from None
            time.sleep(pause)
            paused += pause
            pause = min(2 * pause, 2.0)


def once_assumable(call: Callable[..., Made], /, **arguments: Any) -> Made:
    """What `call(**arguments)` returns, called again while AWS does not know a new role everywhere yet.

    Raises DeployFailed when the role cannot be assumed after a minute; any other refusal as it comes.
    """
    return patiently(lambda: call(**arguments), _role_not_ready, "a role that is new", PATIENCE)


def statements(definition: Mapping[str, Any], name: str, *, lab: Lab | None = None) -> list[dict[str, Any]]:
    """The IAM policy statements that a machine called `name` needs to run `definition`, and no more.

    Raises UnknownService, naming the state, for an integration that is not known here.
    """
    lab = lab or current()
    return machine_statements(definition, setting(lab, lab.name(name)))


def setting(lab: Lab, machine: str) -> Setting:
    """What the ARNs of this lab are made of."""
    partition = lab.session.get_partition_for_region(lab.region)
    return Setting(partition, lab.region, lab.account, lab.prefix, machine, _enforced(lab))


def _enforced(lab: Lab) -> str:
    """The bucket that the rules' workgroup of Athena puts all results into, whatever a query says; empty for none."""
    if not lab.rules.workgroup:
        return ""
    with plainly(f"look at the workgroup {lab.rules.workgroup}"):
        found = lab.client("athena").get_work_group(WorkGroup=lab.rules.workgroup)["WorkGroup"]
    said = found.get("Configuration", {})
    location = said.get("ResultConfiguration", {}).get("OutputLocation", "")
    return location.removeprefix("s3://").split("/")[0] if said.get("EnforceWorkGroupConfiguration", True) else ""


def state_machine(
    name: str,
    definition: str | Path | Mapping[str, Any] | None = None,
    *,
    type: Literal["STANDARD", "EXPRESS"] = "STANDARD",  # noqa: A002 - boto3's own word
    log_level: Literal["OFF", "ALL", "ERROR", "FATAL"] = "OFF",
    statements: Sequence[Mapping[str, Any]] = (),
    role: str | None = None,
    permissions_boundary: str | None = None,
    lab: Lab | None = None,
    undo: Undo | None = None,
    **placeholders: str,
) -> str:
    """Make or update a state machine and return its ARN.

    `definition` is one already loaded, a path, or the name of one among `definitions/` (left out: `name`);
    `placeholders` fill it in. It is checked before anything is made. `log_level` other than OFF sends its events to a
    log group of CloudWatch Logs, for Express the only place where they can be read. The role may do what the
    definition's own resources need and what the IAM `statements` add; `role`, the ARN of one that exists, is used
    instead, and `undo` is `function`'s. AWS may start an execution with the definition before for some seconds after
    an update.

    Raises PlaceholderLeft, DefinitionInvalid, ForeignResource, UnknownService, DeployFailed or NotAllowed.
    """
    lab = lab or current()
    complete = filled(name if definition is None else definition, placeholders, lab)
    with undoing(undo) as undo:
        sfn = lab.client("stepfunctions")
        here, role = setting(lab, lab.name(name)), role or lab.rules.role
        arn = here.arn("states", f"stateMachine:{here.machine}")
        text = json.dumps(complete, indent=2, ensure_ascii=False)
        needed = [] if role else [*machine_statements(complete, here, logging=log_level != "OFF"), *statements]
        found = _machine_of_ours(lab, here.machine, arn, type)
        _validate(sfn, text, type)
        logging: dict[str, Any] = {"level": log_level, "includeExecutionData": log_level != "OFF"}
        if log_level != "OFF":
            logging["destinations"] = [{"cloudWatchLogsLogGroup": {"logGroupArn": f"{_log_group(lab, undo, here)}:*"}}]
        patience = PATIENCE if role is None else PATIENCE_WITH_GIVEN
        role = role or _role(lab, undo, _role_name(lab, f"{name}-states"), "states", needed, permissions_boundary)
        asked: dict[str, Any] = {"definition": text, "roleArn": role, "loggingConfiguration": logging}
        making = f"the state machine {here.machine}"
        with plainly(f"make {making}"):
            if found is None:
                tags = [{"key": key, "value": value} for key, value in lab.tags.items()]
                undo.callback(kinds.take_back, lab, "state machine", here.machine)
                patiently(
                    lambda: sfn.create_state_machine(name=here.machine, type=type, tags=tags, **asked),
                    lambda error: _role_not_ready(error) or isinstance(error, sfn.exceptions.StateMachineDeleting),
                    making,
                    patience,
                )
            elif (
                json.loads(found["definition"]) != complete
                or found["roleArn"] != role
                or found.get("loggingConfiguration", {}).get("level", "OFF") != log_level
            ):
                update = {**asked, "stateMachineArn": arn}
                patiently(lambda: sfn.update_state_machine(**update), _role_not_ready, making, patience)
        return arn


def filled(definition: str | Path | Mapping[str, Any], placeholders: Mapping[str, str], lab: Lab) -> dict[str, Any]:
    """The definition with every placeholder filled in, its integrations those of the lab's part of AWS.

    Queries of Athena that name no workgroup go to the one that the lab's rules name.

    Raises PlaceholderLeft with the names of those that have no value, DefinitionInvalid for what JSON cannot hold.
    """
    if isinstance(definition, Mapping):
        if unreadable := form(dict(definition)):
            raise DefinitionInvalid(unreadable.sentence)
        complete = definitions.parse(json.dumps(definition), **placeholders)
    else:
        complete = definitions.load(definition, **placeholders)
    left = definitions.placeholders(complete)
    if left:
        names = ", ".join(f"${{{one}}}" for one in left)
        raise PlaceholderLeft(f"The definition still holds {names}: give it a value, as in {left[0]}=...")
    partition, workgroup = lab.session.get_partition_for_region(lab.region), lab.rules.workgroup
    for state in states(complete):
        resource = str(state.body.get("Resource", ""))
        if resource.startswith("arn:aws:states:::"):
            state.body["Resource"] = resource.replace("arn:aws:", f"arn:{partition}:", 1)
        asked: Any = state.body.get("Arguments", state.body.get("Parameters"))
        queries = isinstance(asked, dict) and ":athena:startQueryExecution" in resource
        if workgroup and queries and "WorkGroup.$" not in asked:
            asked.setdefault("WorkGroup", workgroup)
    return complete


def _machine_of_ours(lab: Lab, name: str, arn: str, type_: str) -> Any:
    """The machine as it is, or None when there is none; refuses one that is not ours or of another type."""
    sfn = lab.client("stepfunctions")
    with plainly(f"look for the state machine {name}"):
        try:
            found = sfn.describe_state_machine(stateMachineArn=arn)
        except sfn.exceptions.StateMachineDoesNotExist:
            return None
        if found["status"] == "DELETING":
            return None
        tags = tag_mapping(sfn.list_tags_for_resource(resourceArn=arn)["tags"])
    check_ours(lab, "state machine", name, tags)
    if found["type"] != type_:
        raise DeployFailed(
            f"The state machine {name} is of type {found['type']}, which AWS cannot change to {type_}: "
            "take another name, or remove it first with tear_down()."
        )
    return found


def _validate(sfn: Any, text: str, type_: str) -> None:
    """Let AWS read the definition before anything is made."""
    with suppress(sfn.exceptions.ClientError):  # CreateStateMachine itself refuses whoever may not ask
        checked = sfn.validate_state_machine_definition(definition=text, type=type_)
        if checked["result"] == "FAIL":
            faults = [one for one in checked["diagnostics"] if one["severity"] == "ERROR"] or checked["diagnostics"]
            where = f" at {faults[0]['location']}" if faults[0].get("location") else ""
            raise DefinitionInvalid(f"AWS refuses the definition{where}: {faults[0]['message']}")


def _log_group(lab: Lab, undo: Undo, here: Setting) -> str:
    """The ARN of the machine's log group, made when it is not there.

    AWS allows a name that begins with /aws/vendedlogs/ without a resource policy of its own.
    """
    name = log_group_of(here.machine)
    logs = lab.client("logs")
    made = undo.enter_context(ExitStack())
    made.callback(kinds.take_back, lab, "log group", name)
    with plainly(f"make the log group {name}"):
        try:
            logs.create_log_group(logGroupName=name, tags=dict(lab.tags))
        except logs.exceptions.ResourceAlreadyExistsException:
            made.pop_all()
    return here.arn("logs", f"log-group:{name}")
