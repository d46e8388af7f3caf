"""The page: a few files without a build step, sent as they are."""

from importlib.resources import files

from fastapi import APIRouter
from starlette.responses import Response

from dfdetect.serve.limits import Refused

pages = APIRouter(include_in_schema=False)
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""The kinds of files of the page, and how they are sent."""
_FILES = {
    each.name: each.read_bytes()
    for each in files("dfdetect.serve").joinpath("page").iterdir()
    if each.name.endswith(tuple(KINDS))
}
"""The page's files by name: a request can name no other."""


@pages.get("/")
async def _home() -> Response:
    return _file("index.html")


@pages.get("/api")
async def _api() -> Response:
    return _file("api.html")


@pages.get("/page/{name}")
async def _page(name: str) -> Response:
    return _file(name)


def _file(name: str) -> Response:
    if name not in _FILES:
        raise Refused(404, "no such page")
    kind = KINDS[name[name.rindex(".") :]]
    return Response(_FILES[name], media_type=kind, headers={"Cache-Control": "no-cache"})
