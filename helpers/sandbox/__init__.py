"""An AWS of one's own: a server process on 127.0.0.1."""
