"""The ratio of independent processes."""

import time

from benchmarks.ceiling import ceiling, told


def test_processes_that_only_wait_do_twice_as_much_as_one():
    assert 1.5 < ceiling(time.sleep, [0.2, 0.2, 0.2]) < 2.5


def test_the_ratio_is_told_in_words():
    assert told(1.876) == "2 independent processes of the same work: 1.88 times one"
