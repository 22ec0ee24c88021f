"""What edges and the engine's process say to each other over a Unix socket. How it gets there is in `feed_frames`.

Both ends are the same version of fanout, started by the same command, so this is no protocol for others: a message is
an array whose first item says which it is. An entry is written once, whoever it goes to, without the room and epoch
that its batch names.
"""

from __future__ import annotations

from typing import Any

import msgspec

from fanout.core.ban import Ban
from fanout.core.cursor import Extent
from fanout.core.message import Message
from fanout.core.principal import Principal
from fanout.core.room import RoomSettings
from fanout.core.submission import Submission
from fanout.core.typed_lines import TypedLine
from fanout.wire.commands import Publish, Submit


class _Said(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """One message. `call` is a number that its answer carries again."""


class MessageItem(_Said, frozen=True, array_like=True, tag=0):
    """A message of a batch."""

    seq: int
    id: str
    kind: str
    name: str
    role: str
    text: str
    at: int
    re: str | None
    data: dict[str, Any] | None
    retracted: bool


class RetractionItem(_Said, frozen=True, array_like=True, tag=1):
    """A retraction of a batch."""

    seq: int
    target: str
    at: int


Items = list[MessageItem | RetractionItem]


class Fault(msgspec.Struct, frozen=True, array_like=True):
    """An error on its way to the other process; `kind` is its class, empty for a fault of ours."""

    kind: str
    code: str
    detail: str
    after_s: float | None = None


# --- what an edge says ------------------------------------------------------------------------------------------------


class Hello(_Said, frozen=True, array_like=True, tag=10):
    """The first message: which process this is, and who listens there already."""

    process: str
    pid: int


class Follow(_Said, frozen=True, array_like=True, tag=11):
    """Follow a room; from `after` on, where that is still in memory."""

    room: str
    after: str | None


class Unfollow(_Said, frozen=True, array_like=True, tag=12):
    """Follow it no longer."""

    room: str


class Read(_Said, frozen=True, array_like=True, tag=13):
    """Asks for `Entries`."""

    call: int
    room: str
    after: int
    limit: int


class PublishFor(_Said, frozen=True, array_like=True, tag=14):
    """Asks for `Published`."""

    call: int
    principal: Principal
    command: Publish


class SubmitFor(_Said, frozen=True, array_like=True, tag=15):
    """Asks for `Submitted`."""

    call: int
    principal: Principal
    command: Submit
    address: str


class Admit(_Said, frozen=True, array_like=True, tag=16):
    """Asks for `Admitted`."""

    call: int
    principal: Principal
    address: str
    rooms: tuple[str, ...]


class Present(_Said, frozen=True, array_like=True, tag=17):
    """So many connections of each identity (empty: none) have joined a room and left it since the last time."""

    room: str
    joined: dict[str, int]
    left: dict[str, int]


class Authors(_Said, frozen=True, array_like=True, tag=18):
    """Identities that listen there now and did not, and the other way round."""

    arrived: tuple[str, ...]
    departed: tuple[str, ...]


class Missed(_Said, frozen=True, array_like=True, tag=19):
    """News for an author who was not there any more."""

    submission: Submission


class Counted(_Said, frozen=True, array_like=True, tag=20):
    """What the edge has counted; answers `Count`."""

    call: int
    statistics: bytes


class Admitting(_Said, frozen=True, array_like=True, tag=21):
    """By how many listeners each address has more than before, or fewer."""

    moved: dict[str, int]


class CatchUp(_Said, frozen=True, array_like=True, tag=22):
    """Asks for `CaughtUp`."""

    call: int


FromEdge = (
    CatchUp
    | Admitting
    | Hello
    | Follow
    | Unfollow
    | Read
    | PublishFor
    | SubmitFor
    | Admit
    | Present
    | Authors
    | Missed
    | Counted
)

# --- what the engine's process says -----------------------------------------------------------------------------------


class Welcome(_Said, frozen=True, array_like=True, tag=30):
    """The answer to `Hello`: whether plug-ins want to be asked about visitors, and who is banned."""

    admits: bool
    bans: list[Ban]


class Begin(_Said, frozen=True, array_like=True, tag=31):
    """How a room stands; what it holds in memory follows as `Heard`."""

    room: str
    settings: RoomSettings
    extent: Extent


class Heard(_Said, frozen=True, array_like=True, tag=32):
    """The next entries of a room."""

    room: str
    epoch: str
    items: Items


class Changed(_Said, frozen=True, array_like=True, tag=33):
    """A room's settings are these from now on."""

    room: str
    settings: RoomSettings


class Refused(_Said, frozen=True, array_like=True, tag=34):
    """A room can't be followed."""

    room: str
    fault: Fault


class Entries(_Said, frozen=True, array_like=True, tag=35):
    """What was read."""

    call: int
    room: str
    epoch: str
    items: Items


class Published(_Said, frozen=True, array_like=True, tag=36):
    """It is durable."""

    call: int
    message: Message


class Submitted(_Said, frozen=True, array_like=True, tag=37):
    """It is durable."""

    call: int
    submission: Submission


class Admitted(_Said, frozen=True, array_like=True, tag=38):
    """Whom to take them for."""

    call: int
    principal: Principal


class Failed(_Said, frozen=True, array_like=True, tag=39):
    """What was asked for could not be done."""

    call: int
    fault: Fault


class Presence(_Said, frozen=True, array_like=True, tag=40):
    """So many are in a room, over all edges."""

    room: str
    listeners: int
    visitors: int


class Told(_Said, frozen=True, array_like=True, tag=41):
    """A submission has reached another state."""

    submission: Submission


class Banned(_Said, frozen=True, array_like=True, tag=42):
    """A ban has been made or changed."""

    ban: Ban


class Lifted(_Said, frozen=True, array_like=True, tag=43):
    """A ban has been taken back."""

    ban: str


class Count(_Said, frozen=True, array_like=True, tag=44):
    """Asks for `Counted`."""

    call: int


class Full(_Said, frozen=True, array_like=True, tag=45):
    """Whether all places of the server are taken; addresses that have their share, and such that no longer have."""

    everywhere: bool
    addresses: tuple[str, ...]
    no_longer: tuple[str, ...]


class CaughtUp(_Said, frozen=True, array_like=True, tag=46):
    """What was published before it was asked has been said, of every room that is followed."""

    call: int


class Typed(_Said, frozen=True, array_like=True, tag=47):
    """What is being typed in a room, all of it."""

    room: str
    lines: tuple[TypedLine, ...]


ToEdge = (
    CaughtUp
    | Full
    | Welcome
    | Begin
    | Heard
    | Changed
    | Refused
    | Entries
    | Published
    | Submitted
    | Admitted
    | Failed
    | Presence
    | Told
    | Typed
    | Banned
    | Lifted
    | Count
)
