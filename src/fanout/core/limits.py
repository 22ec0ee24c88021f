"""Every default number of the live path: its unit, why it is what it is, and what happens when it is reached."""

from __future__ import annotations

from typing import Final

KIB: Final = 1024

# --- what may be published -------------------------------------------------------------------------------------------

MAX_TEXT_BYTES: Final = 16 * KIB
"""UTF-8 bytes of a message's text. A long spoken answer is 3 KiB; more than this is a document. Beyond:
`text_too_long`."""

MAX_DATA_BYTES: Final = 16 * KIB
"""Encoded bytes of a message's `data`. Beyond: `data_too_long`."""

MAX_DATA_DEPTH: Final = 32
"""Objects and arrays inside one another in a message's `data`, itself included. Deeper is no data but an attack on
parsers that recurse. Beyond: `data_too_deep`."""

MAX_KIND_CHARACTERS: Final = 32
"""Characters of a message's kind and of an author's role: one word of a page's style sheet. Beyond: `bad_kind`,
`bad_role`."""

MAX_NAME_CHARACTERS: Final = 80
"""Characters of an author's display name. Beyond: `name_too_long`."""

MAX_KEY_CHARACTERS: Final = 200
"""Characters of an idempotency key: a UUID is 36, a provider's SMS id up to 64. Beyond: `key_too_long`."""

MAX_BATCH_MESSAGES: Final = 100
"""Messages in one all-or-none publication: it is one transaction and one pass. Beyond: `batch_too_long`."""

# --- rooms and positions ---------------------------------------------------------------------------------------------

MAX_ROOM_NAME_CHARACTERS: Final = 64
"""A room's name goes into URLs, file names and metric labels. Beyond: `bad_room_name`."""

MAX_TITLE_CHARACTERS: Final = 200
"""Characters of a room's title. Beyond: `title_too_long`."""

MAX_ROOMS: Final = 1000
"""Rooms of one engine. Each holds a ring; real events had twelve to twenty. Beyond: `too_many_rooms`."""

MAX_FOLLOWS: Final = 32
"""Rooms that one room may follow. Beyond: `too_many_follows`."""

MAX_SEQ: Final = 2**53 - 1
"""Largest sequence number: what JavaScript's numbers carry exactly (ECMA-262 §21.1.2.6). At 1,000 messages a second
that is 285,000 years, so it is never reached by publishing; a larger one from outside is refused as `bad_position`."""

RING_CAPACITY: Final = 1024
"""Messages of a room kept in memory. At ten answer lines a question, twenty minutes of a stage; at 50 messages a second
of chat, twenty seconds. What is older is read from the log."""

MAX_RING_CAPACITY: Final = 65_536
"""Largest ring a room may ask for: about 100 MiB once rendered in every format. Beyond: `bad_capacity`."""

MAX_LAST: Final = 1000
"""Largest `last=N` replay, in messages. More is cut to this without an error: it is a wish, not a promise."""

MAX_HISTORY_PAGE: Final = 1000
"""Messages in one page of history; `limit` is cut to this."""

REPLAY_BATCH: Final = 256
"""Entries that a library listener takes from the log at a time: at most 4 MiB of the longest texts held for one
listener, and one read for a screenful a hundred times over."""

# --- one listener ----------------------------------------------------------------------------------------------------

MAX_ROOMS_PER_LISTENER: Final = 64
"""Subscriptions of one connection; three times the rooms of the largest known event. Beyond: error `too_many_rooms`."""

MAX_CLIENT_FRAME_BYTES: Final = 64 * KIB
"""Payload of one message from a client, all fragments together. Holds the longest text, escaped. Beyond: close 1009."""

COMMANDS_PER_SECOND: Final = 20
"""Sustained commands of one connection. A person sends less than one; a page that resubscribes sends a burst."""

COMMAND_BURST: Final = 100
"""Commands at once before the rate counts. Beyond: error `rate_limited`."""

MAX_REFUSED_COMMANDS: Final = 500
"""Commands refused in a row by the rate before the connection is closed with 4009: it is a flood, not a mistake."""

CATCH_UP_BYTES: Final = 64 * KIB
"""Most bytes handed to the kernel for one listener at a time. Larger batches save calls but hold up everybody else: a
64 KiB send takes about 30 µs on loopback, three times a small one."""

HEARTBEAT_SECONDS: Final = 25
"""Between two pings of a WebSocket listener. Below the 30 to 60 s after which home routers and proxies forget a quiet
connection; the welcome announces it."""

EVENT_STREAM_COMMENT_SECONDS: Final = 15
"""Between two comments on a quiet event stream (WHATWG HTML §9.2.7 advises about fifteen seconds)."""

SILENCE_SECONDS: Final = 60
"""A WebSocket listener that sends nothing, not even a pong, for this long (two heartbeats and some) is taken for
dead."""

STALL_SECONDS: Final = 60
"""A listener whose socket takes not a single byte for this long is closed, whatever its room's policy."""

FINISH_SECONDS: Final = 10.0
"""How long requests in progress may take to be answered once everybody else has gone. A publication on a slow disk
takes one; what takes longer is a client that reads too slowly."""

LINGER_SECONDS: Final = 5
"""How long a closing connection may take to read its last bytes and answer the close before it is cut."""
