"""`python -m dfdetect.serve`: a page and a service that judge photos and videos."""

import argparse
import importlib.util
import math
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from dfdetect.models.shipped import DEFAULT
from dfdetect.serve.limits import MEGABYTE, Limits
from dfdetect.verdict import WHY
from face_extraction.command import DONE, Parser, run
from face_extraction.errors import InputError, check_range
from face_extraction.missing import extra
from face_extraction.settings import MOST_WORKERS

KEY_VARIABLE = "DFDETECT_API_KEY"
LOOPBACK = "127.0.0.1"
NEEDED = ("fastapi", "uvicorn", "websockets", "prometheus_client", "python_multipart")


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C, and return the exit status."""
    return run(_parser(), _serve, argv)


def _parser() -> Parser:
    usual = Limits()
    parser = Parser(
        "python -m dfdetect.serve",
        "Serve a page that judges photos, videos and the webcam, and the same for programs.\n\n"
        "By default only this computer can reach it, and no file leaves it. Uploads are removed when they\n"
        "are judged; small copies of the frames stay in memory for the page, for an hour at most.",
        "examples:\n  python -m dfdetect.serve\n"
        "  python -m dfdetect.serve runs/xception-1a2b3c4d --port 9000\n"
        "  curl -F file=@video.mp4 http://127.0.0.1:8000/v1/analyze\n\n"
        f"{KEY_VARIABLE} is read where --api-key is not given.\n\n"
        "exit status: 0 stopped by Ctrl-C, 2 wrong use",
    )
    parser.add_argument(
        "run",
        nargs="?",
        type=Path,
        metavar="RUN",
        help=f"a run's folder, or an export (.onnx, .tflite) (default: the detector that ships, {DEFAULT})",
    )
    parser.add_argument(
        "--host",
        default=LOOPBACK,
        metavar="ADDRESS",
        help="address to listen on; 0.0.0.0 lets everybody in who can reach this computer "
        f"(default: {LOOPBACK}, this computer alone)",
    )
    parser.add_argument(
        "--port", type=int, default=8000, metavar="N", help="port; 0 takes a free one (default: 8000)"
    )
    parser.add_argument(
        "--api-key", metavar="KEY", help="ask for KEY in the header X-API-Key; the page asks its visitor"
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=max(1, (os.cpu_count() or 2) // 2),
        metavar="N",
        help="processes that look for faces (default: half of the cores)",
    )
    parser.add_argument(
        "--queue",
        type=int,
        default=usual.queue,
        metavar="N",
        help=f"files in work or waiting; one more gets status 429 (default: {usual.queue})",
    )
    parser.add_argument(
        "--max-megabytes",
        type=float,
        default=usual.bytes / MEGABYTE,
        metavar="X",
        help=f"largest file (default: {usual.bytes / MEGABYTE:.6g})",
    )
    parser.add_argument(
        "--max-seconds",
        type=float,
        default=usual.seconds,
        metavar="X",
        help=f"longest video (default: {usual.seconds:.6g})",
    )
    parser.add_argument(
        "--max-megapixels",
        type=float,
        default=usual.pixels / 1e6,
        metavar="X",
        help=f"largest photo or frame (default: {usual.pixels / 1e6:.6g})",
    )
    return parser


def _serve(args: argparse.Namespace) -> int:
    _check(args)
    key = _key(args.api_key)
    with _listening(args.host, args.port) as listener:
        from dfdetect.predict.detector import Detector

        detector = Detector.from_path(args.run) if args.run else Detector.default()
        if detector.unfit:
            print(f"This detector gives no verdicts: {WHY[detector.unfit]}", file=sys.stderr)

        import uvicorn

        from dfdetect.serve.app import Service, make_app
        from dfdetect.serve.guard import LOOPBACK as NAMES
        from dfdetect.serve.hosting import hosted
        from dfdetect.serve.workplace import Workplace

        is_open = args.host not in NAMES
        service = Service(_limits(args), args.workers, key, frozenset() if is_open else NAMES)
        place = Workplace(args.workers, service.limits.work_seconds)
        place.start()
        config = hosted(make_app(detector, service, place))
        _tell(listener, is_open, bool(key), detector.name)
        with suppress(KeyboardInterrupt):  # uvicorn stops in order, and raises Ctrl-C again
            uvicorn.Server(config).run(sockets=[listener])
    return DONE


def _check(args: argparse.Namespace) -> None:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"the service needs {', '.join(missing)}: {extra('serve')}")
    check_range("--port", args.port, 0, 65535)
    if args.api_key == "":
        raise InputError("--api-key is empty; accepted: a key, or no --api-key")
    check_range("--workers", args.workers, 1, MOST_WORKERS)
    if args.queue < 1:
        raise InputError(f"--queue {args.queue}; accepted: 1 or more")
    for name in ("max_megabytes", "max_seconds", "max_megapixels"):
        if not 0 < getattr(args, name) < math.inf:
            raise InputError(f"--{name.replace('_', '-')} {getattr(args, name):g}; accepted: more than 0")


def _key(given: str | None) -> str:
    """The key to ask for; "" for none.

    Raises:
        InputError: no client could send it.
    """
    name = KEY_VARIABLE if given is None else "--api-key"
    key = os.environ.get(KEY_VARIABLE, "") if given is None else given
    if not (key.isascii() and key.isprintable()) or key != key.strip():
        raise InputError(
            f"{name}: a key that no header can hold; accepted: letters, digits and signs of ASCII, without "
            "blanks at its ends"
        )
    return key


def _limits(args: argparse.Namespace) -> Limits:
    return Limits(
        bytes=round(args.max_megabytes * MEGABYTE),
        seconds=args.max_seconds,
        pixels=round(args.max_megapixels * 1e6),
        queue=args.queue,
    )


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens; taken before the model is loaded, so that a wrong port is told at once."""
    try:
        kind = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=kind, backlog=128)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"--host {host} --port {port}: {why}; accepted: a free port of this computer"
        ) from None


def _tell(listener: socket.socket, is_open: bool, has_key: bool, name: str) -> None:
    """Where the page is, and who can reach it."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    print(f"dfdetect serves the detector {name} at http://{shown}:{port} (Ctrl-C stops it)")
    if not is_open:
        print("Only this computer can reach it; no file leaves it.")
    else:
        asked = "They need the API key." if has_key else "Nobody is asked for a key: give --api-key."
        print(
            f"Everybody who can reach this computer can reach it. {asked} Files travel unencrypted, and "
            "browsers give no webcam: put a proxy with HTTPS in front."
        )
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
