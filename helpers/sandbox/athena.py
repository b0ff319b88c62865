def mend() -> None:
    """Put this module's mends of moto in place; called once, before the server answers."""
