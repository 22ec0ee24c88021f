"""Meaning to bytes and back: request heads, frames, commands, replies, entries, event streams, problems.

Sans-I/O: nothing here awaits, reads a clock or opens anything; bytes come in, values go out, and the other way round.
Whatever comes from outside ends as a value or as an error of `fanout.errors`, never as any other exception.
"""
