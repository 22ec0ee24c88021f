"""Where plug-ins come from, and what is said of those that would not work."""

from __future__ import annotations

import importlib
import sys

import pytest

from fanout.errors import ConfigurationError
from fanout.moderation.hooks import Hooks, as_plugin, load_plugins, loading


def on_path(monkeypatch, folder):
    """Modules of this folder can be imported. (`syspath_prepend` also asks for `pkg_resources`, of which other packages
    bring pieces.)"""
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    importlib.invalidate_caches()


GOOD = """
class Quiet:
    name = "quiet"
    deadline = 0.2

    def __init__(self, limit=3):
        self.limit = limit

    async def review_submission(self, submission, room):
        return None
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "quiet.py").write_text(GOOD)
    return tmp_path


def load(*words, **given):
    return load_plugins(words, installed=False, **given)


def test_a_folder_holds_plugins_and_a_table_sets_them(folder):
    (folder / "_not_one.py").write_text("1 / 0")
    table = {"deadline": 0.5, "concurrency": 2, "on_failure": "accept", "order": 1, "shadow": True, "rooms": ["stage"]}
    (plugin,) = load(folder=folder, tables={"quiet": {**table, "options": {"limit": 9}}})
    assert (plugin.name, plugin.hooks, plugin.object.limit) == ("quiet", ("review_submission",), 9)
    assert (plugin.deadline, plugin.concurrency, plugin.on_failure, plugin.order) == (0.5, 2, "accept", 1)
    assert (plugin.shadow, plugin.rooms, plugin.origin) == (True, {"stage"}, str(folder / "quiet.py"))
    assert load(folder=folder, tables={"quiet": {"enabled": False}}) == []


def test_a_class_is_named_by_its_place_several_times_if_need_be(folder, monkeypatch):
    on_path(monkeypatch, folder)
    tables = {"quiet-too": {"class": "quiet:Quiet"}}
    assert [plugin.name for plugin in load("quiet:Quiet", "quiet:Quiet", tables=tables)] == ["quiet", "quiet-too"]


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("import not_there", r"plugin .*broken\.py: it does not import: ModuleNotFoundError: .*not_there"),
        ("def x(:", "does not import: SyntaxError"),
        ("raise SystemExit(0)", "does not import: SystemExit"),
        ("x = 1", "holds no plug-in"),
        ("class A:\n async def run(self, app): pass", "it has no name; a name is"),
        ("class A:\n name = 'A b'\n async def run(self, app): pass", "its name is 'A b'; a name is"),
        ("class A:\n name = 'a'", "it has no hook; the hooks are: review_submission"),
        ("class A:\n name = 'a'\n async def reviev_submission(self, s, r): pass", "is it review_submission"),
        (
            "class A:\n name = 'a'\n async def run(self, app): pass\n def on_close(self): pass",
            "no hook called on_close",
        ),
        ("class A:\n name = 'a'\n def run(self, app): pass", "run is not an async method"),
        ("class A:\n name = 'a'\n async def run(self): pass", r"does not take .* run\(self, app\)"),
        ("class A:\n name = 'a'\n deadline = -1\n async def run(self, app): pass", "deadline: seconds above 0"),
        ("class A:\n name = 'a'\n deadlines = 1\n async def run(self, app): pass", "is it deadline"),
        ("class A:\n name = 'a'\n concurrency = True\n async def run(self, app): pass", "concurrency: a whole number"),
        ("class A:\n name = 'a'\n on_failure = 'pass'\n async def run(self, app): pass", "one of hold, accept, reject"),
        ("class A:\n name = 'a'\n def __init__(self): 1/0\n async def run(self, app): pass", "made: ZeroDivisionError"),
    ],
)
def test_what_would_not_work_is_refused_with_the_file_and_the_reason(tmp_path, file, said):
    (tmp_path / "broken.py").write_text(file)
    with pytest.raises(ConfigurationError, match=said) as raised:
        load(folder=tmp_path)
    assert "broken.py" in raised.value.detail


@pytest.mark.parametrize(
    ("words", "tables", "said"),
    [
        (["quiet:Quite"], {}, "plugin quiet:Quite: quiet has no class Quite. Is it Quiet"),
        (["quiet.py"], {}, "no plug-in has this name"),
        (["wrods"], {}, "is it words"),
        (["no such:thing"], {}, "written module:Class"),
        ([], {"quite": {}}, "plugins.quite: no plug-in has this name"),
        ([], {"quiet": {"dead_line": 1}}, r"plugins.quiet.dead_line: .*is it deadline"),
        ([], {"quiet": {"class": 3}}, "plugins.quiet.class: the place of its class"),
        ([], {"quiet": {"class": "quiet:Quiet", "options": {"limits": 3}}}, "options: .*its class takes limit"),
        ([], {"quiet": {"class": "quiet:Quiet", "rooms": "stage"}}, "rooms: a list of names"),
        ([], {"quiet": 3}, "plugins.quiet: a table with class"),
    ],
)
def test_what_the_settings_say_wrongly_is_told_by_name(folder, monkeypatch, words, tables, said):
    on_path(monkeypatch, folder)
    with pytest.raises(ConfigurationError, match=said):
        load(*words, tables=tables)


def test_two_of_one_name_are_refused():
    class A:
        name = "a"

        async def run(self, app): ...

    with pytest.raises(ConfigurationError, match=r"two have this name \(from here and there\)"):
        Hooks([as_plugin(A(), origin="here"), as_plugin(A(), origin="there")])


def test_an_installed_package_offers_plugins(tmp_path, monkeypatch):
    (tmp_path / "offered_quiet.py").write_text(GOOD)
    info = tmp_path / "offered-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: offered\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[fanout.plugins]\nquiet = offered_quiet:Quiet\n")
    on_path(monkeypatch, tmp_path)
    assert [(each.name, each.origin) for each in load_plugins()] == [("quiet", "entry point of offered")]
    assert [each.name for each in load_plugins(["offered_quiet:Quiet"])] == ["quiet"], "named twice is loaded once"
    assert load_plugins(tables={"quiet": {"enabled": False}}) == []
    assert load_plugins(installed=False) == []


def test_a_name_of_ours_without_its_class_is_told_and_not_a_crash(monkeypatch):
    monkeypatch.setattr(loading, "BUILT_IN", ("interface", "not-there"))
    with pytest.raises(ConfigurationError, match=r"plugin interface: fanout\.plugins\.interface has no class of this"):
        load("interface")
    with pytest.raises(ConfigurationError, match=r"plugins\.not-there: it does not import: ModuleNotFoundError"):
        load(tables={"not-there": {}})


@pytest.fixture
def offered(tmp_path, monkeypatch):
    """Makes an installed package that offers a plug-in under this name, at this place."""

    def offer(name: str, place: str) -> None:
        info = tmp_path / "offered-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: offered\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[fanout.plugins]\n{name} = {place}\n")
        on_path(monkeypatch, tmp_path)

    return offer


def test_an_installed_one_that_is_broken_is_named_and_can_be_kept_out(offered):
    offered("gone", "not_there_at_all:Gone")
    with pytest.raises(ConfigurationError, match=r"plugin gone \(entry point of offered\): it does not import"):
        load_plugins()
    assert load_plugins(tables={"gone": {"enabled": False}}) == []


def test_an_installed_one_has_the_name_of_its_class(offered, tmp_path):
    (tmp_path / "misnamed_quiet.py").write_text(GOOD)
    offered("loud", "misnamed_quiet:Quiet")
    with pytest.raises(ConfigurationError, match="its class is called 'quiet'; an entry point has the same name"):
        load_plugins()


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConfigurationError, match=r"plugin_folder: .*absent can't be read: No such file"):
        load(folder=tmp_path / "absent")


def test_what_a_class_says_of_its_options_is_passed_on(tmp_path):
    refuses = "def __init__(self, most): raise ConfigurationError('most', 'a number; not that.')"
    file = f"from fanout.plugins import *\nclass A:\n name = 'a'\n {refuses}\n async def run(self, app): ..."
    (tmp_path / "picky.py").write_text(file)
    with pytest.raises(ConfigurationError, match=r"plugin a \(.*picky\.py\): most: a number; not that\.") as raised:
        load(folder=tmp_path, tables={"a": {"options": {"most": "x"}}})
    assert "can't be made" not in raised.value.detail
