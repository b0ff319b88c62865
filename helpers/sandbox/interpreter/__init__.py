"""What Step Functions' interpreter does on AWS and moto's does otherwise, one concern a module."""

from helpers.sandbox.interpreter.mending import MOTO_VERSION, check_version

__all__ = ["MOTO_VERSION", "mend"]


def mend() -> None:
    """Put this package's mends of moto in place; called once, before the server answers.

    Raises SandboxFailed when another version of moto is installed than the one the mends were written for.
    """
    check_version()
    import moto.stepfunctions.parser.models  # noqa: F401  the whole interpreter, before its parts are replaced

    from helpers.sandbox.interpreter import (
        choices,
        clients,
        context,
        data,
        definitions,
        failures,
        frames,
        functions,
        intrinsics,
        jsonata,
        jsonpath,
        map_runs,
        maps,
        services,
        states,
        timeouts,
        waits,
    )

    for concern in (
        data,
        choices,
        clients,
        context,
        definitions,
        failures,
        frames,
        functions,
        intrinsics,
        jsonata,
        jsonpath,
        map_runs,
        maps,
        services,
        states,
        timeouts,
        waits,
    ):
        concern.mend()
