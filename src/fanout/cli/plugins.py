"""`fanout plugins`: which plug-ins a server would load, what each is allowed, and what they cost in one that runs."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import ssl
from collections.abc import Mapping
from typing import Any, Final

from fanout.cli.server_flags import add_config_flag, add_plugin_flags, config_from
from fanout.client.target import Target
from fanout.errors import FanoutError

ANSWER_SECONDS: Final = 10.0
"""How long a server may take: it answers from memory."""

MAX_ANSWER_BYTES: Final = 4 << 20
"""Largest answer that is read: a hundred plug-ins with all hooks are half of it."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "plugins",
        help="list the plug-ins, and what they cost in a running server",
        description="List every plug-in that `fanout serve` would load with these settings: its hooks by kind, its "
        "order, deadline, concurrency, what stands for an answer that does not come, shadow mode, rooms, and where it "
        "was found. With --url, those of a running server, with the calls, cost, failures and verdicts of each hook. "
        "Exits with 2 and the name of the first plug-in that can't be loaded.",
        epilog='Example: fanout plugins --url http://127.0.0.1:8700 --token "$TOKEN"',
        allow_abbrev=False,
    )
    add_config_flag(parser)
    add_plugin_flags(parser)
    parser.add_argument("--url", help="ask the server that runs there")
    parser.add_argument(
        "--token",
        default=os.environ.get("FANOUT_TOKEN") or None,
        metavar="T",
        help="who we are, with --url: anybody on the staff who sees the desk (or FANOUT_TOKEN)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    live = arguments.url is not None
    plugins = _running(arguments.url, arguments.token) if live else _configured(arguments)
    if not plugins:
        print("no plug-ins")
    for plugin in plugins:
        print(_described(plugin, live=live))
    return 0


def _configured(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    from fanout.moderation.hooks import plugins_as_objects
    from fanout.server.plugins import hooks_of

    return plugins_as_objects(hooks_of(config_from(arguments)).statistics())


def _running(url: str, token: str | None) -> list[dict[str, Any]]:
    """What a server says of its own."""
    target = Target.parse(url)
    door: http.client.HTTPConnection
    if target.secure:
        context = ssl.create_default_context()
        door = http.client.HTTPSConnection(target.host, target.port, timeout=ANSWER_SECONDS, context=context)
    else:
        door = http.client.HTTPConnection(target.host, target.port, timeout=ANSWER_SECONDS)
    try:
        door.request(
            "GET", f"{target.prefix}/v1/plugins", headers={"Authorization": f"Bearer {token}"} if token else {}
        )
        answer = door.getresponse()
        body = json.loads(answer.read(MAX_ANSWER_BYTES))
        if answer.status != 200:
            raise FanoutError(str(body["detail"]))
        plugins: list[dict[str, Any]] = body["plugins"]
        return plugins
    except (http.client.HTTPException, OSError) as error:
        raise FanoutError(f"{target.authority} can't be asked: {error or type(error).__name__}.") from error
    except (ValueError, LookupError, TypeError):
        raise FanoutError(f"{target.authority} does not answer as a fanout server does.") from None
    finally:
        door.close()


def _described(plugin: Mapping[str, Any], *, live: bool) -> str:
    """One plug-in as some lines: what it is, a line a hook, and what it is allowed."""
    from fanout.plugins.interface import HOOKS

    lines = [f"{plugin['name']} ({plugin['from'] or 'this program'})"]
    for name, counts in plugin["hooks"].items():
        kind = str(HOOKS[name].kind) if name in HOOKS else "hook"
        lines.append(f"  {kind:<10} {name}" + (f": {_cost(counts)}" if live else ""))
    where = f"in {', '.join(plugin['rooms'])}" if plugin["rooms"] else "in every room"
    lines.append(
        f"  order {plugin['order']}, deadline {plugin['deadline_s']:g} s, concurrency {plugin['concurrency']}, "
        f"on failure {plugin['on_failure']}, {where}"
    )
    if live and not plugin.get("enabled", True):
        lines.append("  switched off by an operator")
    if plugin["shadow"]:
        lines.append("  shadow mode: its verdicts are written down and not applied")
    if live and plugin["agreement"]:
        lines.append(f"  {'it said':<10} {'approved':>9} {'rejected':>9}  by people")
        for verdict, judged in plugin["agreement"].items():
            lines.append(f"  {verdict:<10} {judged['approved']:>9,} {judged['rejected']:>9,}")
    return "\n".join("".join(each if each.isprintable() else "?" for each in line) for line in lines)


def _cost(counts: Mapping[str, Any]) -> str:
    """The calls of one hook, in words; what did not happen is left out."""
    said = [f"{counts['calls']:,} call{'' if counts['calls'] == 1 else 's'}"]
    if counts["calls"]:
        said[0] += f", mean {1000 * counts['mean_s']:.3g} ms, 99 % within {1000 * counts['p99_s']:.3g} ms"
    for what, key in (("said", "verdicts"), ("failed", "failures")):
        if counts[key]:
            said.append(f"{what} " + ", ".join(f"{kind} {count:,}" for kind, count in counts[key].items()))
    if counts["breaker"] != "closed":
        said.append(f"breaker {counts['breaker'].replace('_', ' ')}")
    said += [f"{counts[key]:,} {key.replace('_', ' ')}" for key in ("under_way", "queued") if counts[key]]
    return "; ".join(said)
