"""A plug-in that can't be stopped does not keep a server from ending."""

from __future__ import annotations

PLUGIN = """
import trio

BOTH_WAYS = True

class Deaf:
    name = "deaf"

    async def run(self, app):
        with trio.CancelScope(shield=True):
            await trio.sleep_forever()
"""


def test_one_that_shields_itself_for_ever_is_left_behind_with_a_word_in_the_log(start_server, tmp_path):
    folder = tmp_path / "plug-ins"
    folder.mkdir()
    (folder / "deaf.py").write_text(PLUGIN)
    server = start_server("--memory", "--drain-seconds", "0", "--plugin-folder", str(folder))
    assert server.terminate(40) == 1, "that something is wrong with it can be seen from outside"
    told = [line for line in server.log.splitlines() if "deaf" in line or "stopped" in line or "held_by" in line]
    if server.workers:
        told = [line for line in told if '"process": "engine"' in line]
    assert [
        word for line in told for word in ("plugin_does_not_stop", "stopped", "held_by_a_plugin") if word in line
    ] == [
        "plugin_does_not_stop",
        "stopped",
        "held_by_a_plugin",
    ], "only after everything else is closed"


def test_a_server_that_nobody_holds_ends_as_ever(start_server):
    server = start_server("--memory", "--drain-seconds", "0")
    assert server.terminate() == 0
    assert "held_by_a_plugin" not in server.log
