"""Settings come from a file, the environment and flags; whatever is wrong is named, and nothing is ignored."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.errors import ConfigurationError
from fanout.server.config import read_config
from fanout.server.settings import Config, RoomConfig


def write(folder: Path, text: str) -> Path:
    path = folder / "fanout.toml"
    path.write_text(text)
    return path


def test_without_anything_the_defaults_hold():
    assert read_config(None, {}, {}) == Config()


def test_the_environment_wins_over_the_file_and_a_flag_over_both(tmp_path: Path):
    file = write(tmp_path, "port = 1\ndrain_seconds = 1\nhandshake_seconds = 1\n")
    environ = {"FANOUT_DRAIN_SECONDS": "2", "FANOUT_HANDSHAKE_SECONDS": "2"}
    config = read_config(file, environ, {"handshake_seconds": "3"})
    assert (config.port, config.drain_seconds, config.handshake_seconds) == (1, 2.0, 3)


def test_the_file_can_be_named_by_the_environment(tmp_path: Path):
    file = write(tmp_path, "port = 1234\n")
    assert read_config(None, {"FANOUT_CONFIG": str(file)}, {}).port == 1234


def test_rooms_from_all_places_add_up(tmp_path: Path):
    file = write(tmp_path, '[rooms.stage]\nmode = "stage"\ncapacity = 10\n[rooms.salle]\nfollows = ["stage"]\n')
    rooms = read_config(file, {"FANOUT_ROOMS": "chat:open"}, {"rooms": {"stage": {"mode": "open"}, "more": {}}}).rooms
    assert rooms == {
        "stage": RoomConfig(mode="open", capacity=10),
        "salle": RoomConfig(follows=("stage",)),
        "chat": RoomConfig(mode="open"),
        "more": RoomConfig(),
    }


def test_plug_ins_from_all_places_add_up(tmp_path: Path):
    file = write(tmp_path, "[plugins.words]\nshadow = true\n[plugins.rate.options]\nmessages = 3\n")
    flags = {"plugins": {"words": {}, "mine:Plugin": {}}}
    plugins = read_config(file, {"FANOUT_PLUGINS": "links, mine:Plugin"}, flags).plugins
    assert plugins == {"words": {"shadow": True}, "rate": {"options": {"messages": 3}}, "links": {}, "mine:Plugin": {}}
    short = write(tmp_path, 'plugins = ["words", "mine:Plugin"]\n')
    assert read_config(short, {}, {}).plugins == {"words": {}, "mine:Plugin": {}}


def test_a_later_directory_undoes_an_earlier_choice_of_memory(tmp_path: Path):
    file = write(tmp_path, "memory = true\n")
    assert read_config(file, {}, {"data": "here"}).memory is False


def test_a_later_port_undoes_an_earlier_unix_socket(tmp_path: Path):
    file = write(tmp_path, 'unix = "/run/fanout.sock"\n')
    assert read_config(file, {"FANOUT_PORT": "8701"}, {}).unix is None


def test_saying_no_to_memory_keeps_the_directory(tmp_path: Path):
    file = write(tmp_path, 'data = "kept"\n')
    assert read_config(file, {"FANOUT_MEMORY": "false"}, {}).data == Path("kept")


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        ("port = 70000", "port", "0 to 65535"),
        ('port = "many"', "port", "0 to 65535"),
        ("prot = 1", "prot", "Is it port?"),
        ("worker = 2", "worker", "no such setting"),
        ("drain_seconds = nan", "drain_seconds", "0 to 3600"),
        ("drain_seconds = -1", "drain_seconds", "0 to 3600"),
        ("memory = 3", "memory", "true or false"),
        ('host = ""', "host", "address to listen on"),
        ('secret = "short"', "secret", "at least 32 characters"),
        ('log_format = "xml"', "log_format", "json or console"),
        ("public_keys = 3", "public_keys", "PEM files"),
        ('rooms = "stage"', "rooms", "a table"),
        ("[rooms]\nstage = 1", "rooms.stage", "a table with mode"),
        ("[rooms.x]\nmode = 'loud'", "rooms.x.mode", "one of stage, moderated, open"),
        ("[rooms.x]\ncapacity = 0", "rooms.x.capacity", "from 1"),
        ("[rooms.x]\nfolows = []", "rooms.x.folows", "mode, capacity"),
        ("[rooms.'no spaces']", "rooms.no spaces", "letters, digits"),
        ("plugins = 3", "plugins", "a list of them"),
        ("plugins = [3]", "plugins", "a list of them"),
        ('plugins = ["words", ""]', "plugins", "a list of them"),
        ("[plugins]\nwords = 1", "plugins", "a table [plugins.NAME]"),
        ("protected_names = 3", "protected_names", "a list of names"),
        ('phone_country = "+33"', "phone_country", "1 to 3 digits without +"),
        ('tls_cert = "c.pem"', "tls_key", "needed because tls_cert is set"),
        ('unix = "s"\ntls_cert = "c"\ntls_key = "k"', "unix", "plain HTTP"),
        ("port = ", "config", "not valid TOML"),
    ],
)
def test_an_error_names_the_key_and_what_it_accepts(tmp_path: Path, text: str, key: str, says: str):
    with pytest.raises(ConfigurationError) as raised:
        read_config(write(tmp_path, text), {}, {})
    assert raised.value.key == key
    assert says in raised.value.detail


@pytest.mark.parametrize("name", ["FANOUT_PROT", "FANOUT_", "FANOUT_WORKER"])
def test_a_misspelt_variable_is_an_error(name: str):
    with pytest.raises(ConfigurationError, match=f"{name}: there is no such setting"):
        read_config(None, {name: "1"}, {})


def test_a_variable_is_called_by_its_own_name():
    with pytest.raises(ConfigurationError, match=r"^FANOUT_PORT: a whole number.*not 'abc'"):
        read_config(None, {"FANOUT_PORT": "abc"}, {})


def test_an_error_about_the_secret_does_not_show_it():
    with pytest.raises(ConfigurationError) as raised:
        read_config(None, {"FANOUT_SECRET": "hunter2"}, {})
    assert "hunter2" not in str(raised.value)


def test_a_missing_file_is_an_error(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"^config: .*absent.toml can't be read"):
        read_config(tmp_path / "absent.toml", {}, {})


def config_or_error(environ: dict[str, str], flags: dict[str, object]) -> Config | str:
    try:
        return read_config(None, environ, flags)
    except ConfigurationError as error:
        return error.detail


@given(st.dictionaries(st.sampled_from(Config.__struct_fields__), st.text(max_size=40)))
def test_whatever_the_environment_holds_there_is_a_config_or_a_clear_error(values: dict[str, str]):
    assert config_or_error({f"FANOUT_{key.upper()}": value for key, value in values.items()}, {})


_TOML_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(Config.__struct_fields__), _TOML_LIKE))
def test_whatever_a_file_holds_there_is_a_config_or_a_clear_error(values: dict[str, object]):
    assert config_or_error({}, values)
