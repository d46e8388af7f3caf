"""Notes on files that are there twice: under two labels, or in two splits."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from face_extraction.journal import ItemResult
from face_extraction.manifest import LABEL_NAMES, UNKNOWN, FaceSample
from face_extraction.plan import Plan


def notes_on_doubles(
    plan: Plan, results: Mapping[str, ItemResult], samples: Sequence[FaceSample]
) -> list[str]:
    """Tell of items that are, byte for byte, the same file under two labels or in two splits.

    They stay in the manifest: nothing tells which label is wrong, and a data set's own splits stay as they
    are.

    Args:
        plan: what was extracted.
        results: each item's result, by its path.
        samples: the manifest's rows.
    """
    splits = {sample.path: sample.split for sample in samples}
    same: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
    for item in plan.items:
        result = results[item.path]
        if result.file and result.faces and item.label != UNKNOWN:
            same[result.file.digest].append((item.path, item.label, splits[result.faces[0].path]))
    several = [files for files in same.values() if len(files) > 1]
    notes = []
    for place, words in ((1, "under two labels, of which one is wrong"), (2, "in two splits")):
        torn = [files for files in several if len({file[place] for file in files}) > 1]
        if torn:
            first = torn[0][0]
            other = next(file for file in torn[0] if file[place] != first[place])
            names = (LABEL_NAMES[file[1]] if place == 1 else file[2] for file in (first, other))
            one, two = (f"{file[0]} ({name})" for file, name in zip((first, other), names, strict=True))
            notes.append(f"files that are there {words}: {len(torn):,}, such as {one} and {two}")
    return notes
