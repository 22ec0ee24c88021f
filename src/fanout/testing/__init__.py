"""What fanout gives to those who build on it: conformance suites for its ports, and programs to test against.

Everything here is shipped and documented; what only our own tests need lives in `tests`.
"""
