"""The service as a process of its own, under a short load: nothing is lost, and it ends in order."""

import re
import sys

import numpy as np

from benchmarks import clients, serve


def test_a_short_load_loses_nothing(monkeypatch, capsys):
    monkeypatch.setattr(serve, "GROWTH", 2.0)  # in seconds it only warms up
    call = "benchmarks.serve --clients 3 --seconds 2 --camera-seconds 1"
    monkeypatch.setattr(sys, "argv", call.split())
    status = serve.main()
    told = capsys.readouterr().out
    assert status == 0, told
    assert int(re.search(r"2 s: ([\d,]+) files judged, 0 lost", told)[1]) >= 3
    assert float(re.search(r"webcam: ([\d.]+) frames per second", told)[1]) > 0
    assert "0 files left; ended with status 0" in told


def test_growth_compares_the_last_third_with_the_second():
    sizes = [100, 100, 100, 200, 200, 200, 300, 300, 300]
    assert clients.growth(list(enumerate(sizes))) == np.divide(300, 200)
