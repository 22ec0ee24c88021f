"""The load, each kind in a process of its own: the audience, the staff, the SMS gateway, a flood.

A process is told everything on its first line of stdin, says when it is ready, starts when the second line says
when, and writes a JSON line of evidence a second. Nothing here runs trio: a measuring instrument owes nobody a turn.
"""
