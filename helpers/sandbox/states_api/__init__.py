def mend() -> None:
    """Put this package's mends of moto in place; called once, before the server answers."""
