"""`fanout serve`: the server, until it is told to stop."""

from __future__ import annotations

import argparse

from fanout.cli.server_flags import add_server_flags, config_from


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "serve",
        help="run the server",
        description="Run the server. It prints one line when it listens and logs to stderr. SIGTERM or Ctrl-C drains: "
        "everybody is told when to come back, nothing acknowledged is lost; a second one hurries. "
        "With workers, SIGHUP replaces those one by one.",
        epilog="Every flag can also be set in the file (drain_seconds = 30) or the environment "
        "(FANOUT_DRAIN_SECONDS=30); flags win over the environment, and that over the file. The secret has no flag, "
        "because others can see those.",
        allow_abbrev=False,
    )
    add_server_flags(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from fanout.server.edge_share import workers_of

    config = config_from(arguments)
    if workers := workers_of(config):
        from fanout.server.workers.supervisor import run_supervisor

        return run_supervisor(config, workers, _say)
    from fanout.server.process import run_server

    run_server(config, _say)
    return 0


def _say(text: str) -> None:
    print(text, flush=True)
