"""fanout carries a live, moderated event: few writers, tens of thousands of listeners, nothing lost.

The map of the house; arrows point down only:

    cli                     commands, without logic of their own
    rehearsal               scenarios, load, verdict and report: the evening before the evening
    server                  puts the parts together; starts, drains and stops them
    web · client · testing  the HTTP API · a client that resumes · what authors need for their tests
    edge · log · store      sockets to rooms: the hub · where messages are made durable · the desk's records
    feed                    what an edge needs of the engine, in the same process or behind a Unix socket
    moderation              from a visitor's question to the air: intake, hooks, desk, run sheet, bans, transcripts
    plugins                 what authors of plug-ins import, and the plug-ins that come with fanout
    engine · database       rooms on trio, without a socket: publish, listen, take back · what SQLite files share
    wire                    meaning to bytes and back: frames, commands, formats
    core                    pure rules: position, message, ring, cursor, submission, verdict, ban, audit
    errors                  every error, drawn as a tree

What stands below is promised; what is only found in a module of its own may change.
"""

from typing import TYPE_CHECKING, Any

from fanout.core.cursor import Overflow, Recovery
from fanout.core.message import Author, Entry, Gap, GapReason, Message, Retraction
from fanout.core.position import Position
from fanout.core.room import Mode
from fanout.core.say import Say
from fanout.engine.engine import Engine
from fanout.engine.listener import Listener
from fanout.engine.room import Room
from fanout.errors import (
    Banned,
    ConfigurationError,
    Conflict,
    EngineAway,
    EngineClosed,
    EpochChanged,
    FanoutError,
    InvalidInput,
    KeyReused,
    ListenerOvertaken,
    LogUnavailable,
    MessageNotFound,
    NotAllowed,
    ProtocolViolation,
    RecordNotFound,
    RoomNotFound,
    StoreUnavailable,
    SubmissionNotFound,
    SubmissionRefused,
    TooSoon,
    TransitionRefused,
)
from fanout.log.opening import open_engine
from fanout.wire.rendered import Format

if TYPE_CHECKING:
    from fanout.edge.attach import attach

__all__ = [
    "Author",
    "Banned",
    "ConfigurationError",
    "Conflict",
    "Engine",
    "EngineAway",
    "EngineClosed",
    "Entry",
    "EpochChanged",
    "FanoutError",
    "Format",
    "Gap",
    "GapReason",
    "InvalidInput",
    "KeyReused",
    "Listener",
    "ListenerOvertaken",
    "LogUnavailable",
    "Message",
    "MessageNotFound",
    "Mode",
    "NotAllowed",
    "Overflow",
    "Position",
    "ProtocolViolation",
    "RecordNotFound",
    "Recovery",
    "Retraction",
    "Room",
    "RoomNotFound",
    "Say",
    "StoreUnavailable",
    "SubmissionNotFound",
    "SubmissionRefused",
    "TooSoon",
    "TransitionRefused",
    "attach",
    "open_engine",
]


def __getattr__(name: str) -> Any:
    """Load `attach` when it is asked for (PEP 562): it brings trio-websocket, which is a third of the time that `import
    fanout` would take, and most users of the engine have no WebSocket of their own."""
    if name == "attach":
        from fanout.edge.attach import attach

        return attach
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
