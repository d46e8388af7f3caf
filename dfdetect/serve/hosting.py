"""The web server under the service."""

import logging

import h11
import uvicorn
from starlette.types import ASGIApp

from dfdetect.serve.camera import MOST_BYTES

STOP_SECONDS = 5
"""How long requests may still take after Ctrl-C."""


def hosted(app: ASGIApp) -> uvicorn.Config:
    """How uvicorn serves the app. Its log holds warnings and errors alone."""
    config = uvicorn.Config(
        app,
        http="h11",  # httptools, which "auto" prefers where it is installed, takes headers without end
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws_max_size=MOST_BYTES,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    for name in ("uvicorn.error", "asyncio"):
        logging.getLogger(name).addFilter(_says_more)
    return config


def _says_more(record: logging.LogRecord) -> bool:
    """Whether a line says more than uvicorn's warning that a request is no HTTP.

    Its answer to such a request ends in an error as well, whose traceback anybody could write to the log.
    """
    return not (record.exc_info and isinstance(record.exc_info[1], h11.LocalProtocolError))
