"""Webcams over a WebSocket: JPEG frames come in, what is said of them goes out, in order."""

import asyncio
import logging
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field

import msgspec
import numpy as np
from pebble import ProcessExpired
from starlette.websockets import WebSocket, WebSocketDisconnect

from dfdetect.metrics.calibrating import Calibration
from dfdetect.predict.detector import Detector
from dfdetect.predict.looking import Look
from dfdetect.serve.answers import LiveFace, LiveFrame
from dfdetect.serve.counts import Counts
from dfdetect.serve.following import Glance, Trail, glance
from dfdetect.serve.guard import is_key
from dfdetect.serve.scorer import CAMERA, Scorer
from dfdetect.verdict import Level, Verdict, say
from face_extraction.errors import InputError, one_line, ran_out_of_memory
from face_extraction.json_file import parse_json
from face_extraction.ledger import FAILED, NO_FACE
from face_extraction.pool import LocalPool

MEMORY = 16
"""Frames over which a person's score is averaged, as over the frames of a video."""
WAITING = 2
"""Frames of one webcam that may be in work; the client sends the next one after an answer."""
MOST_BYTES = 2_000_000
"""The most that a frame may take."""
SILENCE = 60.0
"""Seconds without a frame after which the connection ends."""
FRAME_SECONDS = 10.0
MOST_REASON = 120
"""Characters of the reason for which a connection is closed; a WebSocket holds no more than 123 bytes."""
WRONG_KEY, BUSY, WRONG, SILENT, FAULT = 4401, 4429, 4400, 4408, 4500
"""Why the connection is closed, as a WebSocket's code: 4000 and the status that HTTP has for it."""
LOG = logging.getLogger(__name__)


@dataclass
class _Seen:
    """A frame whose faces were found."""

    number: int
    came: float
    glance: Glance


@dataclass
class Memory:
    """The latest scores of the people before a webcam."""

    scores: dict[int, deque[float]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=MEMORY)))

    def told(self, verdict: Verdict, people: list[int], detector: Detector) -> tuple[LiveFace, ...]:
        """The faces of a frame, each with the mean of its latest scores."""
        cuts = _cuts(detector)
        faces = []
        for face, person in zip(verdict.faces, people, strict=True):
            self.scores[person].append(face.score)
            mean = float(np.mean(self.scores[person]))
            level = None if detector.unfit else cuts.grade(mean)
            faces.append(LiveFace(person=person, box=face.box, score=mean, level=level))
        for person in set(self.scores) - set(people):
            del self.scores[person]
        return tuple(faces)


class Cameras:
    """All webcams.

    Args:
        detector: judges the faces; no model of clips.
        scorer: runs its model.
        most: webcams at once.
        key: the API key; "" for none.
        counts: where frames are counted.
    """

    def __init__(self, detector: Detector, scorer: Scorer, most: int, key: str, counts: Counts) -> None:
        self._detector, self._scorer, self._most, self._key = detector, scorer, most, key
        self._wanted, self._counts = detector.wanted(), counts
        self._now = 0
        self._pool: LocalPool | None = None

    async def serve(self, socket: WebSocket) -> None:
        """Answer one webcam until it leaves. Its first message is JSON with the key."""
        await socket.accept()
        try:
            async with asyncio.timeout(SILENCE):
                hello = parse_json(await socket.receive_text())
        except (ValueError, KeyError, TimeoutError):
            await socket.close(WRONG, "the first message must be JSON")
            return
        except WebSocketDisconnect:
            return
        key = hello.get("key", "") if isinstance(hello, dict) else ""
        if not (isinstance(key, str) and is_key(key, self._key)):
            await socket.close(WRONG_KEY, "the key is missing or wrong")
        elif self._wanted.clip:
            await socket.close(WRONG, "this detector judges clips, no single frames")
        elif self._now >= self._most:
            await socket.close(BUSY, f"{self._most} webcams are in use; try again later")
        else:
            await self._serve(socket)

    async def close(self) -> None:
        """End the process that follows faces."""
        if self._pool:
            await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)

    async def _serve(self, socket: WebSocket) -> None:
        self._now += 1
        self._counts.cameras.set(self._now)
        self._pool = self._pool or LocalPool(1, FRAME_SECONDS)
        try:
            async with asyncio.TaskGroup() as both:
                seen: asyncio.Queue[_Seen] = asyncio.Queue(WAITING)
                answering = both.create_task(self._answer(socket, seen))
                await self._receive(socket, seen)
                answering.cancel()
        except* TimeoutError:
            await socket.close(SILENT, "no frame came")
        except* ValueError as errors:
            await socket.close(WRONG, str(errors.exceptions[0]))
        except* InputError as errors:  # The model is at fault, and would be with every frame.
            LOG.error("a webcam's connection ends: %s", errors.exceptions[0])
            await socket.close(FAULT, one_line(errors.exceptions[0], MOST_REASON))
        except* WebSocketDisconnect:
            pass
        finally:
            self._now -= 1
            self._counts.cameras.set(self._now)

    async def _receive(self, socket: WebSocket, seen: "asyncio.Queue[_Seen]") -> None:
        """Find the faces of each frame; the model scores the frame before meanwhile."""
        trail, number = Trail(), 0
        while True:
            async with asyncio.timeout(SILENCE):
                message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            jpeg, came = message.get("bytes"), time.perf_counter()
            if not jpeg or len(jpeg) > MOST_BYTES:
                raise ValueError(f"a message must be a JPEG of up to {MOST_BYTES:,} bytes")
            number += 1
            found = await self._glance(jpeg, trail)
            trail = found.trail
            await seen.put(_Seen(number, came, found))

    async def _glance(self, jpeg: bytes, trail: Trail) -> Glance:
        assert self._pool
        # In a thread, because the first call waits for a process that starts.
        future = await asyncio.to_thread(
            self._pool.submit, glance, jpeg, self._wanted, trail, time.monotonic()
        )
        try:
            return await asyncio.wrap_future(future)
        except (ProcessExpired, TimeoutError):
            return Glance(Look(reason=FAILED, detail="this frame ended its process"), Trail())
        except Exception as error:
            return Glance(Look(reason=FAILED, detail=_logged(error)), Trail())

    async def _answer(self, socket: WebSocket, seen: "asyncio.Queue[_Seen]") -> None:
        memory = Memory()
        while True:
            one = await seen.get()
            try:
                told = await self._told(one, memory)
            except InputError:
                raise
            except Exception as error:
                told = self._frame(one, f"No verdict: {_logged(error)}.")
            await socket.send_text(msgspec.json.encode(told).decode())

    async def _told(self, one: _Seen, memory: Memory) -> LiveFrame:
        """What is said of a frame.

        Raises:
            InputError: the model is at fault, and would be with every frame.
        """
        look, detector = one.glance.look, self._detector
        if look.reason == FAILED:
            return self._frame(one, f"No verdict: {look.detail}.")
        if not look.faces:
            return self._frame(one, say(None, look.reason or NO_FACE))
        verdict = await asyncio.wrap_future(self._scorer.submit(look, CAMERA))
        if not verdict.faces:
            LOG.error("the model failed with a webcam's frame: %s", verdict.detail)
            return self._frame(one, "No verdict: the model failed with this frame.")
        faces = memory.told(verdict, [face.person for face in look.faces], detector)
        if detector.unfit:
            return self._frame(one, say(None, detector.unfit), faces)
        cuts = _cuts(detector)
        level = cuts.grade(cuts.corrected(max(face.score for face in faces), len(faces)))
        return self._frame(one, say(level), faces, level)

    def _frame(
        self, one: _Seen, sentence: str, faces: tuple[LiveFace, ...] = (), level: Level | None = None
    ) -> LiveFrame:
        look = one.glance.look
        taken = time.perf_counter() - one.came
        self._counts.frames.observe(taken)
        return LiveFrame(
            number=one.number,
            width=look.size[0],
            height=look.size[1],
            faces=faces,
            level=level,
            sentence=sentence,
            frames=MEMORY,
            searched=one.glance.searched,
            milliseconds=round(1000 * taken, 1),
        )


def _cuts(detector: Detector) -> Calibration:
    """What grades scores; a detector without cuts is unfit, and no grade is shown."""
    return detector.calibration("video")


def _logged(error: Exception) -> str:
    """Write what nobody foresaw into the log, and return the words for the client, who learns no detail."""
    LOG.error("a webcam's frame failed", exc_info=error)
    if ran_out_of_memory(error):
        return "there was too little memory for this frame"
    return f"this frame met a fault of the service ({type(error).__name__})"
