"""What services and their operations are called: by tasks (`aws-sdk:sfn`, from the Java SDK), by boto3, and by IAM."""

import functools
import json
from pathlib import Path

__all__ = ["iam_action", "sdk_services"]


def sdk_services() -> dict[str, str]:
    """boto3's name of every service, by the name that `aws-sdk` has for it; the table is `services.json`."""
    return _table("services")


def iam_action(called: str) -> str:
    """What a policy calls an operation such as `s3:ListObjects`; those with a name of their own are in `actions.json`.

    Source: Service Authorization Reference, "Actions, resources, and condition keys" of each service.
    """
    return _table("actions").get(called, called)


@functools.cache
def _table(name: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(Path(__file__).with_name(f"{name}.json").read_text(encoding="utf-8"))
    return found
