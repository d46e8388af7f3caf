"""What the file names of public data sets tell: whose video a file is, and whose face it shows."""

import re
from functools import cache
from pathlib import PurePosixPath

from face_extraction.manifest import FaceSample

# Patterns of video names, by the data set's name in small letters. The first part of a group's name is the
# kind of name; "target" is whose video it is, "source" whose face was put into it.
# FF++: 033.mp4, 033_097.mp4. Its DFD part: 01__hugging_happy.mp4, 01_02__hugging_happy__X.mp4.
_FF = (
    r"(?:(?P<seq_target>\d{3})(?:_(?P<seq_source>\d{3}))?|(?P<dfd_target>\d\d)(?:_(?P<dfd_source>\d\d))?__.*)"
)
PATTERNS = {
    "faceforensics": _FF,
    "ff": _FF,
    "dfd": _FF,
    "deepfakedetection": _FF,
    # id0_0000.mp4, id0_id1_0000.mp4; YouTube-real/00000.mp4 shows other people.
    "celebdf": r"(?P<celeb_target>id\d+)(?:_(?P<celeb_source>id\d+))?_\d+",
    # 000_M101.mp4 is FF++'s sequence 000 with an actor's face; the real videos are FF++'s.
    "deeperforensics": r"(?P<seq_target>\d{3})(?:_(?P<actor_source>[MW]\d{3}))?",
}


def known_names(sample: FaceSample) -> bool:
    """Whether this module knows the file names of the row's data set."""
    return _pattern(sample.source) is not None


def people(sample: FaceSample) -> tuple[tuple[str, str], ...]:
    """Whose video and whose face a row shows, as (kind of name, name); empty if its name does not tell.

    FF++'s sequence 033 is ("seq", "033") in FF++ and in DeeperForensics.
    """
    pattern = _pattern(sample.source)
    match = pattern.fullmatch(PurePosixPath(sample.video or sample.path).stem) if pattern else None
    if not match:
        return ()
    found = ((name.partition("_")[0], value) for name, value in match.groupdict().items() if value)
    return tuple(dict.fromkeys(found))


@cache
def _pattern(source: str) -> re.Pattern[str] | None:
    plain = re.sub(r"[^a-z]", "", source.lower())
    names = [name for name in PATTERNS if plain == name or (len(name) > 3 and plain.startswith(name))]
    return re.compile(PATTERNS[names[0]]) if names else None
