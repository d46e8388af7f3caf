"""What a file says about where it comes from: its C2PA manifest, its tags, and signs of its encoding.

None of it has a part in a score: tags and manifests are easily stripped, and tags are easily forged. Nothing
is fetched from the network: remote manifests and revocation lists are left alone.
"""

import json
import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from PIL import Image

from dfdetect.verdict import Manifest, Provenance
from face_extraction import heif
from face_extraction.container import open_video
from face_extraction.images import open_file, open_picture
from face_extraction.missing import extra

MOST_TAGS, LONGEST = 40, 300
"""Tags shown of a file, and letters of each."""
HEAD = 1 << 20
"""Bytes at a file's beginning in which an encoder's own words are searched."""
NONE = "The file has no C2PA manifest: its origin is unknown, which is not suspicious by itself."
TOLD = {
    "valid": "A trusted signer vouches for this file, and it is unchanged since.",
    "untrusted": "A manifest is whole, but nobody here vouches for its signer: anybody can make such a one.",
    "invalid": "A manifest does not match the file: it was changed after it was signed, or is damaged.",
    "unread": f"C2PA manifests are not read here; for that, {extra('c2pa')}.",
}
STATES = {"Trusted": "valid", "Valid": "untrusted", "Invalid": "invalid"}
"""The library's words for the states. What it calls valid says nothing of the signer."""
# Pillow's own reading of XMP needs another package. Values are attributes or elements.
_XMP = re.compile(
    rb'(?:xmp:)?(CreatorTool|DigitalSourceType|CreateDate|ModifyDate|softwareAgent)(?:="([^"]*)"|>([^<]*)<)'
)
_EXIF = {
    0x010F: "Make",
    0x0110: "Model",
    0x0131: "Software",
    0x0132: "DateTime",
    0x013B: "Artist",
    0x8298: "Copyright",
}
_EXIF_MORE = {0x9003: "DateTimeOriginal", 0xA434: "LensModel", 0xA301: "SceneType"}
_PNG, _PNG_XMP = ("Software", "Author", "Source", "Comment"), "XML:com.adobe.xmp"
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
GENERATORS = ("parameters", "prompt", "workflow", "dream", "sd-metadata", "invokeai_metadata")
"""Names of PNG texts into which programs that generate pictures write their settings."""


def read_origin(path: Path, kind: str, anchors: str = "") -> Provenance:
    """What a file says about where it comes from; what cannot be read says nothing.

    Args:
        path: a regular file.
        kind: "photo" or "video".
        anchors: certificates of the signers to trust, as PEM; none trusts nobody.
    """
    tags: dict[str, str] = {}
    hints: list[str] = []
    whole = True
    try:
        found = _photo(path) if kind == "photo" else _video(path)
        for name, value in found:
            if name == "hint":
                hints.append(value)
            elif len(tags) < MOST_TAGS and value.strip(" \0"):
                tags[_text(name)] = _text(value)
    except Exception as error:  # Whatever is wrong with tags, the pixels were read.
        hints.append(f"Its tags could not be read whole ({type(error).__name__}).")
        whole = False
    if whole and not set(tags) - {"format", "codec", "bits per second"}:
        hints.append("It has no tags: screenshots, messengers and editors strip them.")
    return Provenance(manifest=read_manifest(path, anchors), tags=tags, hints=tuple(hints))


def read_manifest(path: Path, anchors: str = "") -> Manifest:
    """The C2PA manifest of a file, read by c2pa-python, which the extra `c2pa` installs.

    Args:
        path: the file.
        anchors: as for `read_origin`.
    """
    if find_spec("c2pa") is None:
        return Manifest(state="unread", told=TOLD["unread"])
    try:
        import c2pa
    except Exception as error:  # It looks for its library in the working folder, too, which may be closed.
        return Manifest(state="unread", told=_unread(error))
    settings: dict[str, Any] = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
    if anchors:
        settings["trust"] = {"trust_anchors": anchors}
        settings["verify"]["verify_trust"] = True
    try:
        with open_file(path) as stream:  # The content tells the kind of file; a suffix may be wrong.
            reader = c2pa.Reader.try_create(stream, context=c2pa.Context(c2pa.Settings.from_dict(settings)))
            if reader is None:
                return Manifest(state="none", told=NONE)
            with reader:
                return _told(json.loads(reader.json()))
    except c2pa.C2paError.NotSupported:
        return Manifest(state="none", told=NONE)
    except c2pa.C2paError as error:
        return Manifest(state="invalid", told=f"{TOLD['invalid']} ({_text(str(error))})")
    except Exception as error:  # A strange manifest must not cost the verdict.
        return Manifest(state="unread", told=_unread(error))


def _unread(error: Exception) -> str:
    return f"Its C2PA manifest could not be read ({type(error).__name__})."


def _told(store: Mapping[str, Any]) -> Manifest:
    """The active manifest, and the sources that any manifest in the file names."""
    active = store.get("manifests", {}).get(store.get("active_manifest"), {})
    signature = active.get("signature_info") or {}
    makers = [maker.get("name", "") for maker in active.get("claim_generator_info") or ()]
    state: Any = STATES.get(store.get("validation_state", ""), "invalid")
    return Manifest(
        state=state,
        told=TOLD[state],
        signer=_text(", ".join(filter(None, (signature.get("common_name"), signature.get("issuer"))))),
        generator=_text(", ".join(filter(None, [active.get("claim_generator"), *makers]))),
        sources=tuple(dict.fromkeys(_values(store, "digitalSourceType"))),
        actions=tuple(dict.fromkeys(_values(active, "action"))),
    )


def _values(node: Any, name: str) -> Iterator[str]:
    """Every text under a name, however deep; of an address, its last part."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key == name and isinstance(value, str):
                yield _text(value.rpartition("/")[2])
            else:
                yield from _values(value, name)
    elif isinstance(node, list):
        for value in node:
            yield from _values(value, name)


def _photo(path: Path) -> Iterator[tuple[str, str]]:
    """Names and values of a photo's tags; the name "hint" marks a sentence."""
    with open_file(path) as stream:
        heic = heif.is_heic(stream.read(heif.HEAD))
        stream.seek(0)
        yield from _heic(stream) if heic else _picture(stream, path)


def _heic(stream: IO[bytes]) -> Iterator[tuple[str, str]]:
    yield "format", "HEIC"
    info = heif.open_heic(stream).info
    exif = Image.Exif()
    exif.load(info.get("exif") or b"")
    yield from _exif(exif)
    yield from _xmp(info.get("xmp") or b"")


def _exif(exif: Image.Exif) -> Iterator[tuple[str, str]]:
    yield from ((name, str(exif[tag])) for tag, name in _EXIF.items() if tag in exif)
    more = exif.get_ifd(_EXIF_IFD)
    yield from ((name, str(more[tag])) for tag, name in _EXIF_MORE.items() if tag in more)
    if exif.get_ifd(_GPS_IFD):
        yield "GPS", "the file tells a position"


def _xmp(packet: bytes) -> Iterator[tuple[str, str]]:
    for name, first, second in _XMP.findall(packet):
        yield f"XMP {name.decode()}", (first or second).decode("utf-8", "replace")


def _picture(stream: IO[bytes], path: Path) -> Iterator[tuple[str, str]]:
    """The tags of a photo that Pillow opens, which is any but HEIC."""
    with open_picture(stream, path) as image:
        yield "format", str(image.format)
        yield from _exif(image.getexif())
        texts = dict(_png_texts(stream)) if image.format == "PNG" else {}
        yield from ((name, texts[name].decode("latin-1")) for name in _PNG if name in texts)
        yield from _xmp(bytes(image.info.get("xmp") or texts.get(_PNG_XMP, b"")))
        if made := [name for name in texts if name.lower() in GENERATORS]:
            told = ", ".join(made)
            yield "PNG texts", told
            yield "hint", f"It holds texts named {told}, as programs that generate pictures write them."
        if image.format == "JPEG":
            quality = _quality(getattr(image, "quantization", {}))
            yield "hint", f"Its JPEG tables are those of about quality {quality} of 100."
            if "photoshop" in image.info:
                yield "hint", "It holds a block of Photoshop, which other programs write, too."


def _png_texts(stream: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """The names of a PNG file's texts, and each one's first bytes as they lie there.

    Read here, because the pictures are opened without their texts, which can be large or damaged.
    """
    stream.seek(8)
    while len(head := stream.read(8)) == 8 and head[4:] != b"IEND":
        length = int.from_bytes(head[:4])
        after = stream.tell() + length + 4
        if head[4:] in (b"tEXt", b"iTXt", b"zTXt"):
            name, _, value = stream.read(min(length, HEAD)).partition(b"\0")
            yield _text(name.decode("latin-1")), value
        stream.seek(after)


def _quality(tables: Mapping[int, Any]) -> int:
    """The quality of libjpeg whose table of brightness has the same mean, 1 to 100.

    The mean of libjpeg's table at quality 50 is 57.6, and it scales as 5000 / q below that, and as 200 - 2 q
    above.
    """
    mean = sum(tables[0]) / len(tables[0])
    scale = 100 * mean / 57.625
    return int(min(100, max(1, 5000 / scale if scale > 100 else (200 - scale) / 2)) + 0.5)


def _video(path: Path) -> Iterator[tuple[str, str]]:
    """The same of a video."""
    with open_video(path) as (container, stream, _):
        yield "format", container.format.long_name or container.format.name
        yield "codec", stream.codec_context.name
        if container.bit_rate:
            yield "bits per second", f"{container.bit_rate:,}"
        tags = {**dict(container.metadata), **{f"stream {k}": v for k, v in stream.metadata.items()}}
    yield from ((name, str(value)) for name, value in tags.items())
    encoders = " ".join(str(value) for name, value in tags.items() if "encoder" in name.lower())
    if re.search(r"Lavf|Lavc|HandBrake", encoders):
        yield "hint", "FFmpeg or a program that uses it wrote this file: it is no camera's first recording."
    with open_file(path) as handle:
        head = handle.read(HEAD)
    if words := re.search(rb"x26[45] \(?(?:- )?[ -~]{4,120}", head):
        yield "encoder's words", words.group().decode("ascii")
        yield "hint", "The software encoder x264 or x265 encoded it; cameras and phones use others."


def _text(value: str) -> str:
    """A value of a strange file: one line of printable letters, cut to `LONGEST`."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"
