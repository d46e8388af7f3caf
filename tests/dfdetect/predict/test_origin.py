"""What a file says about where it comes from: manifests that the test signs itself, tags and encoders."""

import builtins
import datetime
import errno
import io
import json
import socket
import sys

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from dfdetect.fakes.motion import write_video
from dfdetect.predict.origin import NONE, TOLD, read_manifest, read_origin

GREY = Image.fromarray(np.random.default_rng(0).integers(80, 120, (64, 64, 3), np.uint8))
GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def certificate(subject, key, issuer, issuer_key, *, is_root):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def named(name):
        parts = [(NameOID.COMMON_NAME, name), (NameOID.ORGANIZATION_NAME, "Makers <b>")]
        return x509.Name([x509.NameAttribute(kind, value) for kind, value in parts])

    now = datetime.datetime.now(datetime.UTC)
    usages = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    other = dict.fromkeys((*usages, "encipher_only", "decipher_only"), False)
    usage = x509.KeyUsage(digital_signature=not is_root, key_cert_sign=is_root, crl_sign=is_root, **other)
    made = (
        x509.CertificateBuilder(named(issuer), named(subject), key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=9))
        .add_extension(x509.BasicConstraints(is_root, None), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(usage, critical=True)
    )
    if not is_root:
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        made = made.add_extension(purpose, critical=False)
    return made.sign(issuer_key, hashes.SHA256())


@pytest.fixture(scope="module")
def signed():
    """A JPEG that says it was generated, signed by a maker, and the certificate to trust them by."""
    c2pa = pytest.importorskip("c2pa")
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = certificate("root", root_key, "root", root_key, is_root=True)
    leaf = certificate("leaf", key, "root", root_key, is_root=False)
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    chain = leaf.public_bytes(pem) + root.public_bytes(pem)
    info = c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, chain, private, None)
    actions = [{"action": "c2pa.created", "digitalSourceType": GENERATED}]
    told = {
        "claim_generator_info": [{"name": "a maker", "version": "1"}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": actions}}],
    }
    source, target = io.BytesIO(), io.BytesIO()
    GREY.save(source, "JPEG")
    source.seek(0)
    with c2pa.Signer.from_info(info) as signer, c2pa.Builder(json.dumps(told)) as builder:
        builder.sign(signer, "image/jpeg", source, target)
    return target.getvalue(), root.public_bytes(pem).decode()


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    def refuse(*_):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_a_manifest_is_told_apart_by_its_signer_and_its_wholeness(signed, tmp_path):
    content, root = signed
    (tmp_path / "a.jpg").write_bytes(content)
    changed = bytearray(content)
    changed[-20] ^= 1
    (tmp_path / "changed.jpg").write_bytes(changed)
    trusted, untrusted = read_manifest(tmp_path / "a.jpg", root), read_manifest(tmp_path / "a.jpg")
    invalid = read_manifest(tmp_path / "changed.jpg", root)
    for manifest, state in ((trusted, "valid"), (untrusted, "untrusted"), (invalid, "invalid")):
        assert (manifest.state, manifest.told) == (state, TOLD[state])
        assert manifest.says_generated
        assert manifest.sources == ("trainedAlgorithmicMedia",)
        assert manifest.actions == ("c2pa.created",)
        assert manifest.signer == "leaf, Makers <b>"
        assert "a maker" in manifest.generator


def test_a_manifest_is_found_whatever_the_file_is_called(signed, tmp_path):
    for name in ("a", "a.mp4", "a.unknown"):
        (tmp_path / name).write_bytes(signed[0])
        assert read_manifest(tmp_path / name).state == "untrusted", name


def test_a_manifest_at_which_the_library_fails_costs_itself_alone(signed, tmp_path, monkeypatch):
    import c2pa

    (tmp_path / "a.jpg").write_bytes(signed[0])
    errors = iter((c2pa.C2paError("torn"), RuntimeError("strange")))

    def fail(*_, **__):
        raise next(errors)

    monkeypatch.setattr(c2pa.Reader, "try_create", fail)
    assert [read_manifest(tmp_path / "a.jpg").state for _ in range(2)] == ["invalid", "unread"]


def test_a_library_that_cannot_be_loaded_costs_the_manifest_alone(tmp_path, monkeypatch):
    pytest.importorskip("c2pa")
    GREY.save(tmp_path / "a.png")
    monkeypatch.delitem(sys.modules, "c2pa")
    real = builtins.__import__

    def closed(name, *args):
        if name == "c2pa":
            raise PermissionError(errno.EACCES, "Permission denied", "libc2pa_c.so")
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", closed)
    manifest = read_manifest(tmp_path / "a.png")
    assert (manifest.state, manifest.told) == (
        "unread",
        "Its C2PA manifest could not be read (PermissionError).",
    )


def test_a_file_without_a_manifest_is_not_suspicious(tmp_path):
    pytest.importorskip("c2pa")
    GREY.save(tmp_path / "a.png")
    GREY.save(tmp_path / "a.bmp")
    for name in ("a.png", "a.bmp"):
        manifest = read_manifest(tmp_path / name)
        assert (manifest.state, manifest.told) == ("none", NONE), name
        assert not manifest.says_generated


def test_without_the_extra_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("dfdetect.predict.origin.find_spec", lambda name: None)
    assert read_manifest(tmp_path / "any.jpg").state == "unread"


@pytest.mark.parametrize("kind", ["JPEG", "HEIC"])
def test_a_photos_tags_are_read(tmp_path, kind):
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0131] = "Canon", "EOS\nR5", "x" * 500
    exif.get_ifd(0x8769)[0x9003] = "2026:01:02 03:04:05"
    exif.get_ifd(0x8825)[1] = "N"
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r xmp:CreatorTool="A tool"/></x:xmpmeta>'
    path = tmp_path / f"a.{kind.lower()}"
    if kind == "HEIC":
        pillow_heif = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed")
        pillow_heif.from_pillow(GREY).save(path, exif=exif.tobytes(), xmp=xmp)
    else:
        GREY.save(path, exif=exif, xmp=xmp, quality=75)
    found = read_origin(path, "photo")
    expected = {"Make": "Canon", "Model": "EOS R5", "XMP CreatorTool": "A tool", "format": kind}
    assert expected.items() <= found.tags.items()
    assert found.tags["DateTimeOriginal"] == "2026:01:02 03:04:05"
    assert found.tags["GPS"] == "the file tells a position"
    assert found.tags["Software"] == "x" * 300 + "…"
    assert found.caution == "All of this is easily stripped or forged."


@pytest.mark.parametrize("quality", [30, 50, 75, 90])
def test_the_quality_of_a_jpeg_is_that_of_its_tables(tmp_path, quality):
    GREY.save(tmp_path / "a.jpg", quality=quality)
    assert read_origin(tmp_path / "a.jpg", "photo").hints == (
        f"Its JPEG tables are those of about quality {quality} of 100.",
        "It has no tags: screenshots, messengers and editors strip them.",
    )


def test_the_texts_of_a_generator_are_named(tmp_path):
    texts = PngImagePlugin.PngInfo()
    texts.add_text("parameters", "a portrait, steps: 20")
    GREY.save(tmp_path / "a.png", pnginfo=texts)
    texts.add_text("Software", "a program")
    texts.add_itxt("XML:com.adobe.xmp", '<r xmp:CreatorTool="A tool"/>')
    texts.add_text("workflow", "x" * 3_000_000, zip=True)
    GREY.save(tmp_path / "b.png", pnginfo=texts)
    for name, said in (("a.png", "parameters"), ("b.png", "parameters, workflow")):
        found = read_origin(tmp_path / name, "photo")
        assert found.hints == (
            f"It holds texts named {said}, as programs that generate pictures write them.",
        )
    expected = {"format": "PNG", "Software": "a program", "XMP CreatorTool": "A tool"}
    assert found.tags == {**expected, "PNG texts": "parameters, workflow"}


def test_a_videos_container_and_encoder_are_named(tmp_path):
    path = tmp_path / "a.mp4"
    write_video(path, [np.asarray(GREY)] * 4, 23)
    found = read_origin(path, "video")
    assert found.tags["codec"] == "h264"
    assert found.tags["encoder"].startswith("Lavf")
    assert found.tags["encoder's words"].startswith("x264 - core")
    assert len(found.hints) == 2
    assert any("no camera's first recording" in hint for hint in found.hints)


def test_damaged_tags_cost_nothing_but_themselves(tmp_path, monkeypatch):
    GREY.save(tmp_path / "a.png")

    def fail(*_):
        raise ValueError("strange")

    monkeypatch.setattr("dfdetect.predict.origin.open_picture", fail)
    found = read_origin(tmp_path / "a.png", "photo")
    assert found.tags == {}
    assert found.hints == ("Its tags could not be read whole (ValueError).",)  # whether there are any is open


def test_a_verdict_carries_the_origin_and_the_score_does_not_change(detector, clip, tmp_path):
    picture = Image.fromarray(clip[0])
    texts = PngImagePlugin.PngInfo()
    texts.add_text("workflow", "{}")
    picture.save(tmp_path / "plain.png")
    picture.save(tmp_path / "told.png", pnginfo=texts)
    plain, told = (detector.judge(tmp_path / name) for name in ("plain.png", "told.png"))
    assert plain.score == told.score
    assert "workflow" in told.provenance.hints[0]
    assert detector.judge(tmp_path / "gone.png").provenance is None


def test_the_command_takes_certificates_to_trust(command, signed, tmp_path, capsys):
    content, root = signed
    (tmp_path / "a.jpg").write_bytes(content)
    (tmp_path / "trust.pem").write_text(root)
    states = []
    for options in ((), ("--trust", tmp_path / "trust.pem")):
        command("--json", *options, tmp_path / "a.jpg")
        (row,) = json.loads(capsys.readouterr().out)
        states.append(row["provenance"]["manifest"]["state"])
    assert states == ["untrusted", "valid"]
    assert command("--trust", tmp_path / "a.jpg", tmp_path / "a.jpg") == 2
    assert "no certificates; accepted: a PEM file" in capsys.readouterr().err
