"""The secret is private, made once, and refused when it can't be trusted."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fanout.errors import ConfigurationError
from fanout.server.data_directory import check_directory, secret_of


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_directory_and_secret_are_for_their_owner_alone_whatever_the_umask(tmp_path: Path):
    before = os.umask(0)
    try:
        secret_of(tmp_path / "deep" / "data")
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "deep" / "data") == 0o700
    assert mode_of(tmp_path / "deep" / "data" / "secret") == 0o600


def test_the_secret_stays_the_same_and_every_directory_has_its_own(tmp_path: Path):
    first = secret_of(tmp_path / "a")
    assert len(first) >= 43, "256 bits in base64"
    assert secret_of(tmp_path / "a") == first != secret_of(tmp_path / "b")


def test_many_who_make_it_at_once_get_the_same_one_and_leave_nothing_behind(tmp_path: Path):
    with ThreadPoolExecutor(16) as pool:
        secrets = set(pool.map(secret_of, [tmp_path] * 64))
    assert len(secrets) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_secret_that_others_can_read_is_refused_with_the_remedy(tmp_path: Path, mode: int):
    secret_of(tmp_path)
    (tmp_path / "secret").chmod(mode)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        secret_of(tmp_path)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        check_directory(tmp_path)


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 64])
def test_a_file_that_holds_no_secret_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "secret").write_bytes(content)
    (tmp_path / "secret").chmod(0o600)
    with pytest.raises(ConfigurationError, match="holds no secret"):
        secret_of(tmp_path)


def test_a_file_in_the_place_of_the_directory_is_named(tmp_path: Path):
    (tmp_path / "file").touch()
    for use in (secret_of, check_directory):
        with pytest.raises(ConfigurationError, match=r"^data: .*file"):
            use(tmp_path / "file" / "data")


def test_checking_a_directory_makes_nothing(tmp_path: Path):
    check_directory(tmp_path / "not" / "yet")
    assert list(tmp_path.iterdir()) == []
