"""An AWS of one's own: a server process on 127.0.0.1."""

from helpers.sandbox.process import Sandbox, answers, call, reset, start, status, stop

__all__ = ["Sandbox", "answers", "call", "reset", "start", "status", "stop"]
