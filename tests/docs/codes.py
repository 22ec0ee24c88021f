"""The stable error codes that a server can answer with, each with its HTTP status: read from the source itself."""

from __future__ import annotations

import ast
from itertools import pairwise
from pathlib import Path

from fanout import errors
from fanout.wire.problem import status_of

SOURCE = Path(__file__).parents[2] / "src" / "fanout"
SPEAKERS = ("errors.py", "core", "engine", "feed", "edge", "moderation", "store", "web", "wire")
"""What answers; clients and commands have codes of their own."""

ANSWERS = {"problem_answer", "problem_response", "_refuse"}
"""Functions that take a status and, right after it, a code."""

NEVER_SENT = {
    "conflict",  # a branch of the tree of errors
    "configuration",  # the operator's, at the start
    "bad_country",  # the operator's, at the start
    "error",  # the root of the tree
    "invalid",  # a branch of it
    "bad_entry",  # what a client reads
    "event_too_long",  # what a client reads
}


def status_by_code() -> dict[str, int]:
    """Every code and its status over HTTP; 0 for one that never comes over HTTP as such."""
    found: dict[str, int] = {}
    for speaker in SPEAKERS:
        path = SOURCE / speaker
        for module in [path] if path.is_file() else sorted(path.rglob("*.py")):
            for node in ast.walk(ast.parse(module.read_text())):
                found |= _said_by(node)
    return {code: status for code, status in found.items() if code not in NEVER_SENT}


def _said_by(node: ast.AST) -> dict[str, int]:
    if isinstance(node, ast.ClassDef):  # class KeyReused(Conflict): code = "idempotency_key_reused"
        kind = getattr(errors, node.name, None)
        return {kind.code: _status(node.name, kind.code)} if kind and issubclass(kind, errors.FanoutError) else {}
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.IfExp):  # code = "one" if … else "other"
        either = [node.value.body, node.value.orelse] if getattr(node.targets[0], "id", "") == "code" else []
        return {each.value: 400 for each in either if isinstance(each, ast.Constant)}
    if not isinstance(node, ast.Call):
        return {}
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    values = [argument.value if isinstance(argument, ast.Constant) else None for argument in node.args]
    if name in ANSWERS:
        pairs = pairwise(values)
        return {code: status for status, code in pairs if isinstance(status, int) and isinstance(code, str)}
    given = {word.arg: word.value.value for word in node.keywords if isinstance(word.value, ast.Constant)}
    return {given["code"]: given.get("status", _status(name, given["code"]))} if "code" in given else {}


def _status(name: str, code: str) -> int:
    kind = getattr(errors, name, errors.InvalidInput)  # BadRequest and BadCommand are kinds of InvalidInput
    if kind in (errors.ProtocolViolation, errors.ConfigurationError, errors.ListenerOvertaken):
        return 0
    if kind is errors.TooSoon:
        return status_of(kind("", after_s=0))
    if kind is errors.EngineAway:
        return status_of(kind(""))
    return status_of(kind("", code=code))
