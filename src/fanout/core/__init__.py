"""Pure rules: what a position, a message, a ring and a cursor are, and what follows from them.

Nothing here awaits, reads a clock, opens anything, draws a random number or knows an encoding; time and chance come in
as arguments. Standard library only. This is where the property tests live.
"""
