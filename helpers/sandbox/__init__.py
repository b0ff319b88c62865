"""An AWS of one's own: a server process on 127.0.0.1."""

from helpers.sandbox.process import Sandbox, reset, start, status, stop

__all__ = ["Sandbox", "reset", "start", "status", "stop"]
