"""A server of several processes: one with the engine, and edges that each carry a share of the listeners.

    supervisor ─▶ slot ─▶ orders        starts, watches and replaces processes; opens the doors that edges accept at
    engine_process ─▶ handed_up         the engine, the log, the desk, the plug-ins and the ordinary HTTP
    edge_process ─▶ handing_up          listeners, and nothing else
                    tls_relay           an ordinary request over TLS
                    handovers           how a request's socket gets from one to the other

Messages go over the feed's socket (`fanout.feed`).
"""
