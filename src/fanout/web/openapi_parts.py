"""Of what the OpenAPI document is put together: operations, parameters, bodies and answers."""

from __future__ import annotations

from typing import Any, Final

from fanout.web.openapi_schemas import Schema

ANYBODY: Final[list[dict[str, list[str]]]] = [{}, {"token": []}, {"query": []}, {"session": []}]
"""For what a token may be shown for, in any way, and need not be."""

VISITOR: Final[list[dict[str, list[str]]]] = [{"visitor": []}, {"token": []}, {}]
"""For what a visitor is known by, if by anything."""


def in_query(name: str, schema: Schema, description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


def content(description: str, schema: Schema, media_type: str = "application/json") -> dict[str, Any]:
    return {"description": description, "content": {media_type: {"schema": schema}}}


def operation(
    summary: str, answers: dict[str, Any], problems: str = "", *, staff: bool = False, **more: Any
) -> dict[str, Any]:
    """One operation; `problems` are statuses, separated by spaces."""
    refused = {status: {"$ref": f"#/components/responses/Problem{status}"} for status in f"{problems} 400 408".split()}
    return {
        "summary": summary,
        "responses": answers | refused,
        **({"security": [{"token": []}]} if staff else {}),
        **more,
    }


def parameter(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/parameters/{name}"}


def body(schema: Schema) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}
