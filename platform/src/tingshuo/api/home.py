"""GET / and GET /docs: what this server is, without anything from outside (it may have no way out)."""

from __future__ import annotations

from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

import tingshuo

router = APIRouter(include_in_schema=False)

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Tingshuo API</title>
<style>body{{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}}
dt{{margin-top:1rem}}code{{background:#eee;padding:.1em .3em}}</style>
<h1>Tingshuo {version}</h1><p>All routes; the whole description is <a href="openapi.json">openapi.json</a>.</p>
<dl>{routes}</dl></html>"""


@router.get("/")
async def root() -> dict[str, str]:
    """Cheap: some clients ask for it to warm the connection up."""
    return {"name": "tingshuo", "version": tingshuo.__version__, "docs": "/docs"}


@router.get("/docs", response_class=HTMLResponse)
async def docs(request: Request) -> HTMLResponse:
    """Every route with its fields, made from the OpenAPI description."""
    description = request.app.openapi()
    routes = "".join(
        _route(description, method, path, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    )
    return HTMLResponse(_PAGE.format(version=tingshuo.__version__, routes=routes))


def _route(description: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> str:
    title = f"<dt><code>{method.upper()} {escape(path)}</code></dt>"
    about = f"<dd>{escape(operation.get('description', ''))}</dd>"
    return title + about + "".join(_field(name, schema) for name, schema in _fields(description, operation).items())


def _fields(description: dict[str, Any], operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Name -> schema of the query parameters and the fields of the body."""
    fields = {item["name"]: item["schema"] for item in operation.get("parameters", [])}
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = content["schema"]
        if "$ref" in schema:
            schema = description["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        fields |= schema["properties"]
    return fields


def _field(name: str, schema: dict[str, Any]) -> str:
    default = f" Default: {schema['default']!r}." if "default" in schema else ""
    return f"<dd>– <code>{escape(name)}</code> {escape(schema.get('description', '') + default)}</dd>"
