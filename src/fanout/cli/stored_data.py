"""What commands open that work on a data directory while no server does: its log, and the desk's records beside it."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fanout.cli.server_flags import add_config_flag, add_data_flags, config_from
from fanout.errors import ConfigurationError

if TYPE_CHECKING:
    from fanout.engine.engine import Engine
    from fanout.moderation.ports import Store


def add_stored_data_flags(parser: argparse.ArgumentParser) -> None:
    """`--data DIR` and `--config FILE`."""
    add_data_flags(parser)
    add_config_flag(parser)


def data_directory(arguments: argparse.Namespace, *, make: bool = False) -> Path:
    """The directory that is meant.

    Raises:
        ConfigurationError: There is none, or no server has ever run on it; with `make` that is all right.
    """
    from fanout.log.opening import LOG_FILE

    config = config_from(arguments)
    if config.memory:
        raise ConfigurationError("memory", "a server in memory leaves nothing behind; give --data DIR.")
    if not make and not (config.data / LOG_FILE).exists():
        raise ConfigurationError("data", f"{config.data} is no data directory: there is no {LOG_FILE} in it.")
    return config.data


@asynccontextmanager
async def open_log(directory: Path) -> AsyncIterator[Engine]:
    """The rooms in a directory, until the block ends.

    Raises:
        ConfigurationError: A server, or another command, has it; says which process.
    """
    from fanout.log.opening import open_engine

    async with open_engine(directory) as engine:
        yield engine


@asynccontextmanager
async def open_store(directory: Path) -> AsyncIterator[Store]:
    """The desk's records in a directory. Raises as `open_log`."""
    from fanout.store.sqlite import DESK_FILE, open_sqlite_store

    store = await open_sqlite_store(directory / DESK_FILE)
    try:
        yield store
    finally:
        await store.aclose()
