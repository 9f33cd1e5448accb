"""The description of the API, made from the table of endpoints."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from gateway.board.callers import Needs
from gateway.board.endpoint import Endpoint
from gateway.model.refusal import STATUS

_NEEDS = {
    Needs.NOTHING: "Open to everybody.",
    Needs.LOOK: "A person, or an enrolled screen to look.",
    Needs.PERSON: "A person.",
    Needs.LOCAL: "Only over the Unix socket.",
}


def describe(endpoints: Iterable[Endpoint], version: str) -> dict[str, Any]:
    """Give the OpenAPI 3.1 document."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        if not endpoint.page:
            paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Velgate",
            "version": version,
            "description": "Staff page and API of one gateway. Times are RFC 3339 UTC. "
            "Over the Unix socket the body names the person (`by`).",
        },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "velgate_session"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
            "schemas": {"Problem": _PROBLEM},
        },
    }


_PROBLEM = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "enum": sorted(STATUS)},
    },
    "additionalProperties": True,
}


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "description": _NEEDS[endpoint.needs]
        + (f" Needs the right `{endpoint.right}`." if endpoint.right else ""),
        "operationId": f"{endpoint.method.lower()}{re.sub(r'[^a-z]+', '_', endpoint.path)}".rstrip("_"),
        "parameters": [
            *(
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                for name in re.findall(r"{(\w+)}", endpoint.path)
            ),
            *({"name": name, "in": "query", "schema": {"type": "string"}} for name in endpoint.query),
        ],
        "responses": {
            "2XX": {"description": "Done", "content": {endpoint.gives.split(";")[0]: {"schema": {}}}},
            "default": {
                "description": "Refused",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    }
    if endpoint.needs is Needs.NOTHING:
        operation["security"] = []
    else:
        operation["security"] = [{"session": []}, {"bearer": []}]
    if endpoint.body is not None:
        schema = endpoint.body.model_json_schema(ref_template="#/components/schemas/{model}")
        defs = schema.pop("$defs", {})
        operation["requestBody"] = {"content": {"application/json": {"schema": _inlined(schema, defs)}}}
    return operation


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """Put definitions where they are referred to: bodies are small and never recursive."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _inlined(definitions[schema["$ref"].rsplit("/", 1)[1]], definitions)
        return {key: _inlined(value, definitions) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_inlined(each, definitions) for each in schema]
    return schema
