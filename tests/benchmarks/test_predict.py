"""What the measurements of predictions say."""

from benchmarks.predict import NAIVE, Turns, table


def test_the_table_compares_medians_with_the_first_way():
    measured = {
        1: Turns(rates=[2.0, 4.0, 9.0], seconds=8.0, own=3.0, others=6.0, files=30),
        2: Turns(rates=[7.0, 8.0, 6.0], seconds=6.0, own=3.0, others=9.0, files=30),
        0: Turns(rates=[3.0], seconds=10.0, own=9.0, others=0.0, files=30),
        NAIVE: Turns(rates=[1.0], seconds=10.0, own=5.0, others=0.0, files=10),
    }

    _, one, two, none, naive = table("photos", measured).splitlines()

    assert one.split() == ["1", "worker", "4.00", "1.00", "1.12", "0.100", "0.200"]
    assert two.split() == ["2", "workers", "7.00", "1.75", "2.00", "0.100", "0.300"]
    assert none.split() == ["0", "workers", "3.00", "0.75", "0.90", "0.300", "0.000"]
    assert naive.split() == ["naive", "loop", "1.00", "0.25", "0.50", "0.500", "0.000"]


def test_a_turn_counts_files_and_time():
    turns = Turns()

    turns.take(5, lambda: sum(range(300_000)))

    assert turns.files == 5
    assert turns.own > 0
    assert turns.rates[0] > 0
