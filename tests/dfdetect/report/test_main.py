"""The report command: a declared grid from its file to its tables."""

import csv
import io
import shutil

import pytest

from dfdetect.compare import __main__ as compare
from dfdetect.report import __main__ as report
from dfdetect.report.comparisons import read_comparisons
from dfdetect.report.results import read_results

pytestmark = pytest.mark.usefixtures("light")

CNN = "custom_cnn, base"

AT = {"model": "custom_cnn", "regime": "base"}


def test_a_grid_from_end_to_end(grid, tmp_path, capsys):
    folder, _, command, out = grid
    assert "5 cells done; 4 trainings left, time not known yet" in out.replace("0 of ", "")
    results = read_results(folder)
    assert [result.status for result in results] == ["done", "done", "done", "failed", "done"]
    assert "unknown model 'not_there'" in results[3].reason
    assert str(tmp_path) not in (folder / "results.jsonl").read_text()
    record = results[0]
    assert record.n("face") == 16
    assert record.data["faces"]["train fake"] == 8
    assert len(record.roc) == 101
    assert record.roc[-1] == 1.0
    assert len(results[-1].members) == 2

    capsys.readouterr()
    assert report.main(command) == 1  # what is done stays, what failed is tried again
    out = capsys.readouterr().out
    assert out.count("done before") == 4
    assert len(read_results(folder)) == 6

    (tmp_path / "README.md").write_text("head\n<!-- reports: begin -->\n<!-- reports: end -->\ntail\n")
    assert report.main(["tables", "--check"]) == 1
    assert report.main(["tables"]) == 0
    assert report.main(["tables", "--check"]) == 0
    text = (folder / "tables.md").read_text()
    accuracy = str(record.estimate("accuracy", "face"))
    assert f"| CNN | 81.2% | {accuracy.partition(' ')[0]}" in text.replace("**", "")
    assert "(2) Failed: unknown model 'not_there'" in text
    assert "| Absent | – | – (2) | – | – |" in text
    assert list(folder.glob("roc-*.png"))
    readme = (tmp_path / "README.md").read_text()
    assert readme.startswith("head\n")
    assert readme.endswith("-->\ntail\n")
    assert "`reports/tiny --only model=custom_cnn --only regime=base`" in readme
    assert report.main(["tables", "--root", str(folder.parent)]) == 0
    mine = tmp_path / "mine"
    shutil.copytree(folder, mine / folder.name)
    (mine / folder.name / "results.jsonl").unlink()
    assert report.main(["tables", "--root", "mine"]) == 0
    assert "Nothing has been measured yet." in (mine / folder.name / "tables.md").read_text()
    assert (tmp_path / "README.md").read_text() == readme
    tex = (folder / "tables.tex").read_text()
    assert r"\caption[{Accuracy}]{Accuracy. Measured on an unnamed source (manifest " in tex
    assert "Absent & -- & -- (2) & -- & --" in tex
    page = (folder / "tables.html").read_text()
    cells = "".join(f'<td class="right">{text}</td>' for text in ("–", "– (2)", "–", "–"))
    assert f'<th scope="row">Absent</th>{cells}' in page
    assert f'src="{next(folder.glob("roc-*.png")).name}"' in page
    rows = list(csv.DictReader(io.StringIO((folder / "tables.csv").read_text())))
    shown = [row for row in rows if (row["row"], row["column"]) == ("CNN", "Base")]
    assert float(shown[0]["value"]) == record.estimate("accuracy", "face").value
    assert (shown[0]["n"], shown[0]["data"], shown[0]["note"]) == (
        *("16", "an unnamed source"),
        "Started from random weights.",
    )
    failed = [row for row in rows if (row["row"], row["column"]) == ("Absent", "Base")]
    assert failed[0]["note"].startswith("Failed: unknown model 'not_there'")

    (folder / "tables.md").write_text(text + "edited")
    assert report.main(["tables", "--check"]) == 1
    assert "tables.md: differs" in capsys.readouterr().out


def test_the_best_is_marked_by_comparisons_and_two_runs_compare(grid, capsys):
    folder, folder_of_runs, _, _ = grid
    found = [one for one in read_comparisons(folder) if one.table == "list" and one.metric == "auc"]
    assert len(found) == 2
    done = {result.digest: result for result in read_results(folder) if result.status == "done"}
    values = {digest: result.estimate("auc", "face").value for digest, result in done.items()}
    for one in found:
        assert one.value == pytest.approx(values[one.best] - values[one.other])
        assert one.value >= 0
    runs = [name for result in done.values() for name in result.runs][:2]
    capsys.readouterr()
    assert compare.main([str(folder_of_runs / name) for name in runs]) == 0
    assert "16 faces of 4 groups" in capsys.readouterr().out


def test_a_finished_run_is_adopted_and_folds_are_averaged(grid, capsys, monkeypatch):
    folder, runs, command, _ = grid
    run = read_results(folder)[0].runs[0]
    (folder / "results.jsonl").unlink()
    with monkeypatch.context() as inside:
        inside.chdir(runs / run)
        assert report.main(["add", str(folder), "."]) == 0
    assert dict(read_results(folder)[0].at) == AT
    assert list(read_results(folder)[0].runs) == [run]
    assert report.main(["add", str(folder), str(runs / "none")]) == 2
    (runs / run).rename(runs / "elsewhere")
    only = ["--only", "model=custom_cnn", "--only", "regime=base"]
    assert report.main([*command, *only]) == 0  # not trained again
    assert not (runs / run).exists()
    (runs / "elsewhere").rename(runs / run)
    assert report.main([*command, *only, "--profile", "folds"]) == 0
    found = read_results(folder)[-1]
    values = [metrics.estimates["accuracy"].value for metrics in found.metrics("face")]
    assert len(values) == 2
    assert found.estimate("accuracy", "face").value == pytest.approx(sum(values) / 2)
    assert found.n("face") == 40  # each face once
    assert report.main(["tables"]) == 0
    text = (folder / "tables.md").read_text()
    assert "| CNN | Base | 1 | 0.80 |" in text
    assert "profile folds (two folds)" in text


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("custom_cn", "unknown model of these cells 'custom_cn' (nearest: custom_cnn)"),
        ("custom_cnn", "custom_cnn starts at random in these cells"),
    ],
)
def test_a_weights_file_that_nothing_starts_from_is_refused(declare, trained, capsys, name, message):
    manifest, runs = trained
    command = ["run", str(declare()), "--manifest", str(manifest), "--runs", str(runs)]
    only = ["--only", "model=custom_cnn", "--only", "regime=base"]
    assert report.main([*command, *only, "--weights", f"{name}={manifest}"]) == 2
    assert message in capsys.readouterr().err


def test_only_shards_and_budgets_limit_the_grid(declare, trained, tmp_path, capsys):
    folder, (manifest, runs) = declare(), trained
    command = ["run", str(folder), "--manifest", str(manifest)]
    assert report.main([*command, "--only", "model=nothing"]) == 2
    assert "unknown choice of model 'nothing'" in capsys.readouterr().err
    assert report.main([*command, "--shard", "3/5", "--runs", str(runs)]) == 0
    assert f"next: python -m dfdetect.report tables --root {folder.parent}" in capsys.readouterr().out
    assert [result.at["model"] for result in read_results(folder)] == ["meso4"]
    assert (
        report.main([*command, "--shard", "5/5", "--runs", str(tmp_path)]) == 1
    )  # an ensemble whose member is missing waits
    assert "waits for custom_cnn, base" in capsys.readouterr().out
    assert len(read_results(folder)) == 1
    assert report.main([*command, "--budget", "0.0001s", "--only", "model=custom_cnn"]) == 1
    assert "it would go past the budget" in capsys.readouterr().out
    for wrong in ("soon", "0h", "-5m", "nanh"):  # 0 would mean no limit at all
        with pytest.raises(SystemExit):
            report.main([*command, f"--budget={wrong}"])
        assert "accepted: more than 0, such as 90s, 30m or 2h" in capsys.readouterr().err
