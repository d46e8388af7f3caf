"""The choices of a caller who asks for verdicts."""

from dataclasses import dataclass

from face_extraction.errors import check_name
from face_extraction.settings import POLICIES

FRAMES = 16
"""Frames of a video that are searched by default, for a model that takes single faces."""


@dataclass(frozen=True)
class Options:
    """How a detector judges files.

    Attributes:
        frames: how many frames of a video are searched, 1 or more; None for `FRAMES`, or where the model
            takes clips for as many as the training's extraction searched.
        whole: take each picture as a face crop, and look for no face.
        policy: which faces of a photo, or of a video's frame, count; all of them whatever was extracted for
            training, because the one that was swapped need not be the largest.
        rotations: whether a photo without a face is turned by 90, 180 and 270 degrees; None: as for training.
        prevalence: the share of fakes among the files judged, above 0 and below 1, so that verdicts tell
            what an alarm is worth; None tells nothing of it.
        anchors: certificates of the signers of C2PA manifests to trust, as PEM; none trusts nobody.
        compiled: whether to compile the model's function, which pays from about 50 faces on.

    Raises:
        InputError: the policy is unknown.
        ValueError: `frames` is below 1.
    """

    frames: int | None = None
    whole: bool = False
    policy: str = "all"
    rotations: bool | None = None
    prevalence: float | None = None
    anchors: str = ""
    compiled: bool = True

    def __post_init__(self) -> None:
        check_name("policy", self.policy, POLICIES)
        if self.frames is not None and self.frames < 1:
            raise ValueError(f"frames must be 1 or more, or None. Received: {self.frames}")
