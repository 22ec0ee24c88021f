"""Sockets and rooms: the hub that carries tens of thousands of listeners in one loop.

A listener is not a task: it is a `Connection` with a number (its cursor) in each room that it follows. One epoll has
all their sockets; one task reads, one task walks over the rooms that have news, both in slices of about a
millisecond. Per listener and message there is no task, no lock, no await and no allocation
(docs/decisions/0001-a-listener-is-not-a-task.md).

    door ─▶ arrival ─▶ greeting ─▶ connection ◀─ conversation      ordinary HTTP: handover ─▶ (web) ─▶ adopted back
                                       ▲
    feed ─▶ room_view ─▶ audience ─▶ sender            keep_alive: pings, deadlines, presence

The edge needs nothing from the engine but the feed.
"""
