"""The feed: all that an edge needs of the engine, whether that lives in the same process or behind a Unix socket.

    port                    what an edge may ask, and what it is told
    engine_feed · moderated_feed    the same process: an engine, and one with a desk
    remote_feed ─▶ remote_rooms     an edge's end of the socket
    serving ─▶ edge_link            the engine's end: one link for each edge

Every implementation passes the same suite (`fanout.testing.check_feed`).
"""
