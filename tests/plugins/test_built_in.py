"""The plug-ins that fanout brings load by their names, and those that answer at once are called without a task."""

from pathlib import Path

from fanout.moderation.hooks.calls import never_awaits
from fanout.moderation.hooks.loading import BUILT_IN, load_plugins


def test_every_one_loads_by_its_name_and_only_the_webhook_waits(tmp_path: Path):
    (tmp_path / "secret").write_text("a secret of some length")
    tables = {name: {} for name in BUILT_IN}
    tables["webhook"] = {"options": {"url": "https://example.org/", "secret_file": str(tmp_path / "secret")}}
    plugins = {plugin.name: plugin for plugin in load_plugins(tables=tables, installed=False)}
    assert set(plugins) == set(BUILT_IN)
    waiting = {name for name, plugin in plugins.items() if not never_awaits(plugin.object.review_submission)}
    assert waiting == {"webhook"}
    assert (plugins["webhook"].deadline, plugins["webhook"].on_failure) == (2.0, "hold")
    order = sorted(plugins, key=lambda name: plugins[name].order)
    assert order == ["rate", "flood", "links", "words", "webhook", "near-duplicates"], "the cheapest first"
