"""The `fanout` command: one small module a command. They read arguments and print; what they do is done elsewhere."""

from fanout.cli.program import main

__all__ = ["main"]
