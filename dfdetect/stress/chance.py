"""The one source of chance: each face gets its own, whatever other faces there are."""

import hashlib

import numpy as np


def chance_of(seed: int, what: str, path: str) -> np.random.Generator:
    """The source of chance for what is done to a face.

    Args:
        seed: another seed gives other numbers.
        what: the name of a disturbance or an attack.
        path: of the face in its manifest.
    """
    digest = hashlib.sha256(f"{what}\0{path}".encode(errors="surrogateescape")).digest()
    return np.random.default_rng((seed, int.from_bytes(digest[:16])))
