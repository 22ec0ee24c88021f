"""What can be set: every setting of the server with its type, its bounds, its default, and what it accepts, in words.

The words are the same in error messages, in `--help` and in the documentation; there is no second list.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

from msgspec import Meta, Struct, field

from fanout.core.limits import MAX_RING_CAPACITY, MAX_ROOM_NAME_CHARACTERS

LogFormat = Literal["json", "console"]

MIN_SECRET_CHARACTERS = 32
"""Shortest secret that may sign tokens: 256 bits, the size of the hash (RFC 7518 §3.2)."""


MAX_WORKERS = 64
"""Processes that carry listeners. More than there are cores help only against the descriptor limit: a million listeners
at 20,000 each."""


class RoomConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """One room of the configuration. What is None is left as it is in a room that exists, else takes its default."""

    mode: Annotated[Literal["stage", "moderated", "open"] | None, Meta(description="one of stage, moderated, open")] = (
        None
    )
    capacity: Annotated[
        Annotated[int, Meta(ge=1, le=MAX_RING_CAPACITY)] | None,
        Meta(description=f"a number of messages from 1 to {MAX_RING_CAPACITY}"),
    ] = None
    overflow: Annotated[Literal["close", "skip"] | None, Meta(description="close or skip")] = None
    follows: Annotated[tuple[str, ...] | None, Meta(description="a list of names of other rooms")] = None
    title: Annotated[str | None, Meta(description="a line of text")] = None
    chat: Annotated[
        str | None, Meta(description="the name of an open room, in which this room's visitors talk to each other")
    ] = None


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """The server's settings, checked one by one. What two of them mean together is checked in `config`."""

    host: Annotated[
        Annotated[str, Meta(min_length=1, max_length=255)],
        Meta(description="the name or address to listen on; 0.0.0.0 or :: for every network"),
    ] = "127.0.0.1"
    port: Annotated[
        Annotated[int, Meta(ge=0, le=65535)],
        Meta(description="a whole number from 0 to 65535; 0 picks a free port"),
    ] = 8700
    unix: Annotated[
        Path | None, Meta(description="the path of a Unix socket to listen on, instead of host and port")
    ] = None
    workers: Annotated[
        Annotated[int, Meta(ge=0, le=MAX_WORKERS)] | Literal["auto"],
        Meta(description=f"processes that carry listeners, 0 to {MAX_WORKERS}, or auto, one for each core; "
             "0 is one process for everything"),
    ] = 0  # fmt: skip
    data: Annotated[
        Path, Meta(description="the directory of everything that must survive: messages and the secret")
    ] = Path("fanout-data")
    memory: Annotated[bool, Meta(description="true or false: keep everything in memory and nothing on disk")] = False
    rooms: Annotated[
        dict[Annotated[str, Meta(min_length=1, max_length=MAX_ROOM_NAME_CHARACTERS)], RoomConfig],
        Meta(description="rooms to make at the start; in the file a table [rooms.NAME] with mode, capacity, overflow, "
             "follows, title; in the environment NAME:MODE,NAME:MODE"),
    ] = field(default_factory=dict)  # fmt: skip
    plugins: Annotated[
        dict[Annotated[str, Meta(min_length=1)], dict[str, Any]],
        Meta(description="plug-ins to load, each a name or MODULE:CLASS; in the file a list of them, or a table "
             "[plugins.NAME] with class, options, enabled, deadline, concurrency, on_failure, order, shadow, rooms; "
             "in the environment NAME,MODULE:CLASS"),
    ] = field(default_factory=dict)  # fmt: skip
    plugin_folder: Annotated[
        Path | None, Meta(description="a directory in which each .py file holds plug-ins to load")
    ] = None
    protected_names: Annotated[
        tuple[str, ...],
        Meta(description="a list of names that no visitor may take, nor one that looks like it; "
             "in the environment NAME,NAME"),
    ] = ()  # fmt: skip
    site_name: Annotated[
        Annotated[str, Meta(min_length=1, max_length=80)],
        Meta(description="the name of the house, as its pages show it"),
    ] = "fanout"
    site_logo: Annotated[
        Path | None, Meta(description="a picture that the pages show beside the name: an .svg, .png or .webp file")
    ] = None
    site_colour: Annotated[
        str, Meta(description="the colour of links and buttons, such as #1f6583; the pages keep it legible")
    ] = "#1f6583"
    phone_country: Annotated[
        Annotated[str, Meta(pattern="^[1-9][0-9]{0,2}$")] | None,
        Meta(description="the country code that telephone numbers without one belong to, 1 to 3 digits without +: 33"),
    ] = None
    tls_cert: Annotated[Path | None, Meta(description="a PEM file with the certificate and its chain")] = None
    tls_key: Annotated[Path | None, Meta(description="the PEM file with the certificate's private key")] = None
    trust_proxy: Annotated[
        bool,
        Meta(description="true or false: take the visitor's address from X-Forwarded-For; only behind a proxy"),
    ] = False
    max_listeners: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(description="listeners at a time, a whole number from 1; by default what the descriptor limit allows"),
    ] = None
    max_per_address: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(description="listeners at a time from one address, a whole number from 1; by default no limit"),
    ] = None
    handshake_seconds: Annotated[
        Annotated[int, Meta(ge=1, le=300)],
        Meta(description="how long a client may take to send its request, 1 to 300 whole seconds"),
    ] = 10
    drain_seconds: Annotated[
        Annotated[float, Meta(ge=0, le=3600)],
        Meta(description="the window over which listeners are told to come back after a stop, 0 to 3600 seconds"),
    ] = 30.0
    secret: Annotated[
        Annotated[str, Meta(min_length=MIN_SECRET_CHARACTERS)] | None,
        Meta(description=f"at least {MIN_SECRET_CHARACTERS} characters that sign tokens; "
             "by default one is made and kept in the data directory"),
    ] = None  # fmt: skip
    public_keys: Annotated[
        tuple[Path, ...],
        Meta(description="PEM files with RSA or EC public keys of those who may sign tokens too"),
    ] = ()
    log_format: Annotated[
        LogFormat | None,
        Meta(description="json or console; by default console on a terminal and json elsewhere"),
    ] = None


def accepted(struct: type[Struct], key: str) -> str:
    """What a setting accepts, in words."""
    return next(
        meta.description
        for meta in get_args(get_type_hints(struct, include_extras=True)[key])[1:]
        if isinstance(meta, Meta) and meta.description
    )
