"""Sections: what a caption says of its numbers."""

from types import SimpleNamespace

import pytest

from dfdetect.report import sections
from dfdetect.report.reading import read_experiment

CNN = "custom_cnn, base"


def test_a_caption_says_how_much_and_what_trained(declare):
    experiment = read_experiment(declare())

    def result(devices, backend, version, members=(), **recipe):
        return SimpleNamespace(
            data={"sample_set": False, "sources": ["dfdc"]},
            manifest="0123456789",
            environment={"devices": devices, "backend": backend, "packages": {backend: version}},
            members=members,
            recipe={"image_size": 64, "epochs": 3, "batch_size": 8, "precision": "float32", **recipe},
        )

    done = [
        result(["CPU"], "tensorflow", "2.21.0"),
        result(["NVIDIA H200", "NVIDIA H200"], "jax", "0.11.2", epochs=4),
        result(["CPU"], "tensorflow", "2.21.0"),
        result(["CPU"], "tensorflow", "2.22.0", members=["a, base"]),  # combined there, not trained
    ]
    caption = sections._caption(experiment, "full", done)
    assert "as declared for the report (64 pixels, batches of 8, float32)." in caption
    assert caption.endswith(" Trained on CPU with TensorFlow 2.21.0; 2 NVIDIA H200 with JAX 0.11.2.")
    unknown = SimpleNamespace(**{**vars(done[0]), "environment": {}})
    assert "Trained" not in sections._caption(experiment, "full", [unknown])


@pytest.mark.parametrize(("own", "said"), [('["dfdc"]', False), ('["celebdf"]', True), ("[]", True)])
def test_tables_say_when_the_data_are_not_the_reports(declare, own, said, measured):
    experiment = read_experiment(declare(f"own_data = {own}\n{declare.text}"))
    data = {"manifest_sha256": "m", "sample_set": False, "sources": ["dfdc"]}
    (section,) = sections.sections(experiment, [measured(experiment, CNN, data=data)], ())
    assert ("not the report's own data" in section.caption) == said
    assert "nothing else" not in section.caption
