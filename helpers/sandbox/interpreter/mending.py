"""How moto is mended: for one version of it, and loudly when what is mended is not there."""

from importlib import metadata

from helpers.errors import SandboxFailed

MOTO_VERSION = "5.2.5"


def check_version(installed: str | None = None) -> None:
    """Raise SandboxFailed unless the installed moto is the one that the mends were written for."""
    installed = installed or metadata.version("moto")
    if installed != MOTO_VERSION:
        raise SandboxFailed(
            f"The sandbox mends the inside of moto {MOTO_VERSION}, but moto {installed} is installed: "
            f"install moto[stepfunctions]=={MOTO_VERSION}, or read the mends again and raise MOTO_VERSION."
        )


def replace(owner: object, name: str, replacement: object) -> None:
    """Put `replacement` in the place of `owner.name`; SandboxFailed where moto has no such member."""
    if not hasattr(owner, name):
        where = getattr(owner, "__name__", owner)
        raise SandboxFailed(f"moto has no {where}.{name} any more: the mend that replaces it must be read again.")
    setattr(owner, name, replacement)
