"""How moto is patched: loudly when what is patched is not there."""

from helpers.errors import SandboxFailed

__all__ = ["replace"]


def replace(owner: object, name: str, replacement: object) -> None:
    """Put `replacement` in the place of `owner.name`; SandboxFailed where moto has no such member."""
    if not hasattr(owner, name):
        where = getattr(owner, "__name__", owner)
        raise SandboxFailed(f"moto has no {where}.{name} any more: the patch that replaces it must be read again.")
    setattr(owner, name, replacement)
