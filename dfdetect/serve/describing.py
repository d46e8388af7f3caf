"""The description of the service: what its routes take and answer, as OpenAPI has it."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from dfdetect.serve.answers import components
from dfdetect.serve.guard import KEY_HEADER

JSON = "application/json"


def described(status: int, told: str, schema: str = "Problem", kind: str = JSON) -> dict[int | str, Any]:
    """An answer of a route, for OpenAPI."""
    content = {"$ref": f"#/components/schemas/{schema}"} if kind == JSON else {"type": "string"}
    return {status: {"description": told, "content": {kind: {"schema": content}}}}


FILE_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "additionalProperties": False,
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "A photo or a video.",
                        }
                    },
                }
            }
        },
    }
}
REFUSALS = {
    **described(400, "The form is damaged."),
    **described(408, "The upload took too long."),
    **described(413, "The file is too large."),
    **described(422, "There is no file in the field 'file', or it is too long or has too many pixels."),
    **described(429, "The queue is full; Retry-After says for how long to wait."),
    **described(500, "The detector failed."),
}
NO_JOB = described(404, "There is no such job, or it was forgotten.")


def openapi(app: FastAPI, has_key: bool) -> dict[str, Any]:
    """The description of the service; made once."""
    if not app.openapi_schema:
        made = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        made["components"] = {"schemas": components()}
        for path, operations in made["paths"].items():
            for operation in operations.values():
                told = operation["responses"]
                if "HTTPValidationError" in str(told.get("422")):  # FastAPI's own; a text is always valid
                    del told["422"]
                if path == "/v1/health":
                    continue
                told["403"] = described(403, "The host or the page is unknown.")[403]
                if has_key:
                    told["401"] = described(401, f"{KEY_HEADER} is missing or wrong.")[401]
                    operation["security"] = [{"key": []}]
        if has_key:
            made["components"]["securitySchemes"] = {
                "key": {"type": "apiKey", "in": "header", "name": KEY_HEADER}
            }
        app.openapi_schema = made
    return app.openapi_schema
