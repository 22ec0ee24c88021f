"""`python -m fanout.rehearsal.load`: one load process, told on stdin what it is."""

from __future__ import annotations

import json
import resource
import signal
import sys

from fanout.rehearsal.load import audience, flood, gateway, replay, staff
from fanout.rehearsal.load.evidence import Clock, say

KINDS = {
    "audience": audience.play, "staff": staff.play, "gateway": gateway.play, "flood": flood.play, "replay": replay.play,
}  # fmt: skip


def main() -> int:
    """Read the orders, be ready, wait for the word, play."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the rehearsal, which ends us
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    orders = json.loads(sys.stdin.readline())
    say({"type": "ready"})
    begin = sys.stdin.readline()
    if begin:
        KINDS[orders["kind"]](orders, Clock(json.loads(begin)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
