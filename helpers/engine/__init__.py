"""The Amazon States Language, run on a virtual clock: pure, deterministic, without a server."""
