"""The one type of verdicts, its JSON and the committed schema of it."""

import json

import pytest

from dfdetect.verdict import (
    SCHEMA_FILE,
    SCHEMA_VERSION,
    WHY,
    WORDS,
    Cuts,
    Face,
    FaceBox,
    Manifest,
    Moment,
    Person,
    Provenance,
    Record,
    Timeline,
    Verdict,
    json_list,
    say,
    schema,
)
from face_extraction.errors import InputError
from face_extraction.manifest import Box


@pytest.fixture
def verdict():
    face = Face(index=0, score=0.75, level="uncertain", box=FaceBox.of(Box(1, 4, 3, 2)), frame=7, person=1)
    return Verdict(
        file="a\udcff<b>.mp4",
        kind="video",
        level="uncertain",
        score=0.75,
        highest=0.75,
        candidates=1,
        width=640,
        height=480,
        faces=(face,),
        people=(Person(person=1, score=0.75, faces=1, level="uncertain", low=0.75, high=0.75),),
        frames=2,
        timeline=Timeline(
            moments=(Moment(frame=7, time=0.25, score=0.75), Moment(frame=90, time=37.25)),
            share_with_face=0.5,
            seconds_between=37.0,
            spread=(0.75,) * 5,
            telling=(0,),
        ),
        provenance=Provenance(manifest=Manifest(state="none", told="none"), tags={"Make": "x"}),
        record=Record(
            sha256="00", cuts=Cuts(lower=0.25, upper=0.875, origin="a test"), settings={"frames": 2}
        ),
    )


def test_it_is_read_from_json_as_it_was_written(verdict):
    text = verdict.to_json()
    assert text.isascii()
    assert text.startswith('{"file": "a\\udcff<b>.mp4", "schema_version": 2, "dfdetect": "')
    assert Verdict.from_json(text) == verdict
    assert json.loads(text)["faces"][0]["box"] == {"top": 1, "right": 4, "bottom": 3, "left": 2}
    assert json.loads(json_list([verdict, verdict])) == [json.loads(text)] * 2


def test_the_committed_schema_is_that_of_the_type():
    """After a change write the file anew; raise SCHEMA_VERSION if a field changed its name or meaning."""
    assert SCHEMA_FILE.read_text() == json.dumps(schema(), indent=2) + "\n"


def test_json_keeps_to_the_committed_schema(verdict):
    """Checked by hand, because it uses little of JSON schema."""
    committed = json.loads(SCHEMA_FILE.read_text())

    def check(value, wanted):
        if "$ref" in wanted:
            return check(value, committed["$defs"][wanted["$ref"].rpartition("/")[2]])
        if "anyOf" in wanted:
            assert any(fits(value, one) for one in wanted["anyOf"]), (value, wanted)
            return None
        kind = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list}
        if "enum" in wanted:
            assert value in wanted["enum"]
        elif wanted["type"] == "null":
            assert value is None
        elif wanted["type"] == "object":
            assert set(wanted.get("required", ())) <= set(value)
            for name, item in value.items():
                check(
                    item,
                    wanted["properties"][name] if "properties" in wanted else wanted["additionalProperties"],
                )
        else:
            assert isinstance(value, kind[wanted["type"]]), (value, wanted)
            for place, item in enumerate(value if isinstance(value, list) else ()):
                check(item, wanted["prefixItems"][place] if "prefixItems" in wanted else wanted["items"])
        return None

    def fits(value, wanted):
        try:
            check(value, wanted)
        except (AssertionError, KeyError, TypeError):
            return False
        return True

    check(json.loads(verdict.to_json()), committed)
    check(json.loads(Verdict(file="x", reason="no_face").to_json()), committed)
    broken = {**json.loads(verdict.to_json()), "level": "genuine"}
    assert not fits(broken, committed)
    assert not fits({**broken, "level": None, "faces": [{}]}, committed)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "not a verdict"),
        ("{", "not a verdict"),
        ('{"file": "x"}', "not a verdict"),
        ('{"file": 1, "schema_version": 2}', "not a verdict"),
        ('{"file": "x", "schema_version": 1}', "schema version 1; accepted: 2"),
    ],
)
def test_what_is_no_verdict_is_refused(text, words):
    with pytest.raises(InputError, match=words):
        Verdict.from_json(text)


def test_the_words_never_call_a_file_genuine():
    assert [say(level) for level in WORDS] == [
        "Substantial evidence of manipulation.",
        "No conclusion.",
        "Little evidence of manipulation.",
    ]
    assert say(None, "no_face") == "No verdict: the detector found no face."
    for text in (*WORDS.values(), *WHY.values()):
        assert "genuine" not in text
        assert "real" not in text.split()


def test_a_sentence_follows_the_level_whatever_was_given():
    assert (
        Verdict(file="x", level="little", sentence="It is real.").sentence
        == "Little evidence of manipulation."
    )
    assert SCHEMA_VERSION == 2


def test_a_manifest_says_generated_in_each_of_its_ways():
    for source in ("trainedAlgorithmicMedia", "http://x/compositeWithTrainedAlgorithmicMedia"):
        assert Manifest(state="valid", told="", sources=(source,)).says_generated, source
    assert not Manifest(state="valid", told="", sources=("digitalCapture",)).says_generated
