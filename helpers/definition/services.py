"""What services are called: by tasks (`aws-sdk:sfn`, the names of the Java SDK) and by boto3 (`stepfunctions`)."""

import functools
import json
from pathlib import Path

__all__ = ["sdk_services"]


@functools.cache
def sdk_services() -> dict[str, str]:
    """boto3's name of every service, by the name that `aws-sdk` has for it; the table is `services.json`."""
    found: dict[str, str] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return found
