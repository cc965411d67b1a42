"""The command `bench`: the numbers do not depend on workers, order or interruptions."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from mgtta import MetaGradientGenerator, SourceStatistics
from mgtta_cam.assembly.model import load_model
from mgtta_cam.bench import paper, workers
from mgtta_cam.bench.cells import Budget, Cell, Row, cells
from mgtta_cam.bench.data import folder
from mgtta_cam.bench.measure import Bench, Measured
from mgtta_cam.bench.request import Job, Request
from mgtta_cam.bench.run import run
from mgtta_cam.bench.streams import Stream
from mgtta_cam.config.method_spec import Spec, parse_all
from mgtta_cam.config.settings import Settings
from mgtta_cam.errors import AppError, OutputError, UsageError
from mgtta_models import files
from tests.mgtta_cam.pictures import write_pictures
from tests.mgtta_cam.tiny import write_model

WORDS: dict[str, Any] = {
    "methods": "none,tent,tent:lr=0.1,lame",
    "corruptions": "gaussian_noise,clean",
    "severity": "5",
    "batch": "4",
    "protocol": None,
    "max_updates": None,
    "max_seconds": None,
    "table": None,
}


@pytest.fixture
def console() -> Console:
    """A console whose output is recorded."""
    return Console(record=True, force_terminal=False, width=160)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A tiny model, one thread."""
    return Settings(model="tiny", weights=write_model(tmp_path / "tiny.safetensors"), device="cpu", threads=1)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Four classes with four pictures each, and some junk files."""
    return write_pictures(tmp_path / "pictures")


@pytest.fixture
def bench(settings: Settings, pictures: Path) -> Bench:
    """What workers get."""
    found = folder(pictures, load_model(settings).labels).drawn(None, 0, 0)
    return Bench(settings, (found,), load_model, memory=False)


def measured(
    settings: Settings, pictures: Path, out: Path, console: Console, processes: int = 1, **words: Any
) -> list[dict[str, Any]]:
    """Rows without what depends on the clock."""
    request = Request.parsed(**WORDS | words)
    _, rows = run(
        load_model,
        request,
        settings,
        Job(folders={"images": pictures}, out=out, workers=processes, memory=False),
        console,
    )
    return [timeless(row) for row in rows]


def timeless(row: dict[str, Any]) -> dict[str, Any]:
    """A row without its times."""
    return {key: value for key, value in row.items() if key not in ("seconds", "ms_per_image")}


def test_rows(settings: Settings, pictures: Path, tmp_path: Path, console: Console) -> None:
    """There is a row for each method and corruption, a CSV and a picture, and ignored folders are reported."""
    rows = measured(settings, pictures, tmp_path / "out", console)
    assert [(row["method"], row["corruption"]) for row in rows] == [
        (method, corruption)
        for corruption in ("gaussian_noise", "clean")
        for method in ("none", "tent", "tent:lr=0.1", "lame")
    ]
    assert {(row["n"], row["batch"], row["protocol"]) for row in rows} == {(16, 4, "reset")}
    assert [row["severity"] for row in rows] == [5] * 4 + [0] * 4
    assert all(row["top1_low"] <= row["top1"] <= row["top1_high"] and 0 <= row["ece"] <= 100 for row in rows)
    assert [row["updates"] for row in rows[:4]] == [0, 5, 5, 0]
    text = console.export_text()
    assert "unicorn" in text
    assert text.count("broken.png: not a decodable picture") == 1
    assert "times none" in text
    assert len((tmp_path / "out" / "rows.csv").read_text().splitlines()) == 9
    assert (tmp_path / "out" / "accuracy.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_numbers_in_other_orders(settings: Settings, pictures: Path, tmp_path: Path, console: Console) -> None:
    """To the last digit."""
    rows = measured(settings, pictures, tmp_path / "a", console)
    turned = measured(
        settings,
        pictures,
        tmp_path / "b",
        console,
        methods="lame,tent:lr=0.1,tent,none",
        corruptions="clean,gaussian_noise",
    )

    def key(row: dict[str, Any]) -> tuple[str, str]:
        return row["method"], row["corruption"]

    assert sorted(rows, key=key) == sorted(turned, key=key)
    assert measured(replace(settings, seed=1), pictures, tmp_path / "c", console) != rows


def test_interrupted_it_goes_on(
    settings: Settings, pictures: Path, tmp_path: Path, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Finished cells are kept, shown, and not measured again, except for a torn last line."""
    whole = measured(settings, pictures, tmp_path / "whole", console)
    honest, asked = Bench.measure, []

    def until_the_fourth(self: Bench, cell: Cell) -> Measured:
        asked.append(cell)
        if len(asked) == 4:
            raise SystemExit(130)
        return honest(self, cell)

    with monkeypatch.context() as patch:
        patch.setattr(Bench, "measure", until_the_fourth)
        with pytest.raises(SystemExit):
            measured(settings, pictures, tmp_path / "broken", console)
    kept = tmp_path / "broken" / "cells.jsonl"
    assert len(kept.read_text().splitlines()) == 3
    with kept.open("a") as file:
        file.write('{"key": "torn')
    assert measured(settings, pictures, tmp_path / "broken", console) == whole
    assert "3 of 8 cells were measured before" in console.export_text()


def test_a_damaged_file_of_cells(settings: Settings, pictures: Path, tmp_path: Path, console: Console) -> None:
    """Unreadable lines are measured again, and never joined with the next."""
    whole = measured(settings, pictures, tmp_path / "out", console)
    path = tmp_path / "out" / "cells.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1] = b"\xff\xfe\n"
    lines[2] = lines[2].replace(b'"top1": ', b'"top1": null, "was": ')
    lines[3] = b'{"key": "x", "rows": [], "skipped": []}\n'
    lines[7] = lines[7][:50]  # torn, without its end
    path.write_bytes(b"".join(lines))
    assert measured(settings, pictures, tmp_path / "out", console) == whole
    assert "4 of 8 cells were measured before" in console.export_text()
    measured(settings, pictures, tmp_path / "out", console)
    assert "8 of 8 cells were measured before" in console.export_text()


def test_changed_pictures_are_other_pictures(
    settings: Settings, pictures: Path, tmp_path: Path, console: Console
) -> None:
    """A rewritten file of the same name and size is measured again."""
    measured(settings, pictures, tmp_path / "out", console, methods="none")
    path = pictures / "hat" / "0.png"
    path.write_bytes(path.read_bytes())
    measured(settings, pictures, tmp_path / "out", console, methods="none")
    assert "measured before" not in console.export_text()


def test_clean_has_no_severity(settings: Settings, pictures: Path, tmp_path: Path, console: Console) -> None:
    """With several severities, clean pictures are measured once, and their table has a mean like any other."""
    words: dict[str, Any] = {"corruptions": "clean,fog", "severity": "3,5", "methods": "none"}
    rows = measured(settings, pictures, tmp_path / "out", console, **words)
    assert [(row["corruption"], row["severity"]) for row in rows] == [("clean", 0), ("fog", 3), ("fog", 5)]
    assert console.export_text().count("top-5") == 3


def test_tables_without_a_place(settings: Settings, tmp_path: Path, console: Console) -> None:
    """Cells that a table does not show are not measured."""
    many = write_pictures(tmp_path / "many", each=16)
    with pytest.raises(UsageError, match=r"Table 3 has no place for none on --images .* on --imagenet-r"):
        measured(settings, many, tmp_path / "out", console, table=3, batch=None, methods="none")
    with pytest.raises(UsageError, match=r"Table 1 has no place for tent:lr=0\.1"):
        measured(settings, many, tmp_path / "out", console, table=1, batch=None, methods="tent:lr=0.1")


def test_no_digit_is_cut_off(settings: Settings, pictures: Path, tmp_path: Path) -> None:
    """Digits are never cut, however narrow the console."""
    words = StringIO()
    measured(settings, pictures, tmp_path / "out", Console(force_terminal=False, width=40, file=words))
    text = words.getvalue()
    assert "…" not in text
    assert "gaussian noise" in text


def test_other_settings_are_other_cells(
    settings: Settings, pictures: Path, tmp_path: Path, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cells are reused only for the same model, pictures, seed and method, and never with --overwrite."""
    measured(settings, pictures, tmp_path / "out", console, methods="tent")
    asked: list[str] = []
    honest = Bench.measure

    def noted(self: Bench, cell: Cell) -> Measured:
        asked.append(str(cell.method))
        return honest(self, cell)

    monkeypatch.setattr(Bench, "measure", noted)
    measured(settings, pictures, tmp_path / "out", console, methods="tent")
    assert asked == []
    measured(settings, pictures, tmp_path / "out", console, methods="tent,tent:lr=0.1")
    assert asked == ["tent:lr=0.1"] * 2
    measured(replace(settings, seed=3), pictures, tmp_path / "out", console, methods="tent")
    measured(replace(settings, overwrite=True), pictures, tmp_path / "out", console, methods="tent")
    assert asked[2:] == ["tent"] * 4


def test_processes_give_the_same(bench: Bench) -> None:
    """Two workers agree with serial to the last digit; a killed one costs only its cell."""
    wanted = list(cells(parse_all("none,tent"), ["reset"], ["gaussian_noise", "fog"], [5], [4]))
    # Last digits depend on the number of threads, and a test before this one may have changed it here.
    bench = replace(bench, settings=replace(bench.settings, threads=torch.get_num_threads()))
    alone = dict(workers.serial(bench, wanted))
    together = workers.processes(bench, wanted, 2)
    first = next(together)
    for child in children():
        os.kill(child, signal.SIGKILL)
    assert numbers({**dict([first]), **dict(together)}) == numbers(alone)


def children() -> Iterator[int]:
    """Child processes that measure."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
            if int(fields[1]) == os.getpid() and b"spawn_main" in (path.parent / "cmdline").read_bytes():
                yield int(path.parent.name)
        except OSError:
            continue


def numbers(found: dict[Cell, Measured]) -> dict[Cell, list[Row]]:
    """Results without values that depend on the clock."""
    return {cell: [replace(row, seconds=0, ms_per_image=0) for row in m.rows] for cell, m in found.items()}


def test_a_worker_that_always_dies(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell whose worker keeps dying is given up, with a message."""
    monkeypatch.setattr(workers, "ATTEMPTS", 1)
    monkeypatch.setattr(workers, "_begin", os.abort)  # takes no argument: each worker fails at its start
    wanted = list(cells(parse_all("none"), ["reset"], ["clean"], [5], [4]))
    with pytest.raises(AppError, match=r"measures none died 1 times.*fewer --workers"):
        list(workers.processes(bench, wanted, 1))


@pytest.mark.slow
def test_ray_gives_the_same(bench: Bench) -> None:
    """A local cluster of two workers, one of which is killed midway: equal to serial."""
    ray = pytest.importorskip("ray")
    wanted = list(cells(parse_all("none,tent,tent:lr=0.1"), ["reset"], ["gaussian_noise", "fog"], [5], [4]))
    alone = dict(workers.serial(bench, wanted))
    together = workers.ray_cluster(bench, wanted, "local", 2)
    found = dict([next(together)])
    victims = ray_workers()
    assert victims
    os.kill(victims[0], signal.SIGKILL)
    assert numbers({**found, **dict(together)}) == numbers(alone)
    assert not ray.is_initialized()


def ray_workers() -> list[int]:
    """Processes of Ray that run a cell."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().startswith(b"ray::_remote"):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def test_ray_without_a_cluster(bench: Bench) -> None:
    """One line."""
    pytest.importorskip("ray")
    with pytest.raises(UsageError, match=r"--ray 127\.0\.0\.1:1: "):
        list(workers.ray_cluster(bench, [], "127.0.0.1:1", 1))


@pytest.mark.parametrize("protocol", ["mixed", "continual", "dirichlet", "held", "correlated"])
def test_protocols(protocol: str, settings: Settings, pictures: Path, tmp_path: Path, console: Console) -> None:
    """Rows are by corruption, or one for the mixture; continual keeps what it learned under earlier corruptions."""
    words: dict[str, Any] = {"protocol": protocol, "corruptions": "gaussian_noise,fog", "methods": "tent:lr=0.1"}
    rows = measured(settings, pictures, tmp_path / "out", console, **words)
    names = ["mixed"] if protocol == "mixed" else ["gaussian_noise", "fog"] * (2 if protocol == "correlated" else 1)
    assert [row["corruption"] for row in rows] == names
    alone = measured(settings, pictures, tmp_path / "alone", console, **{**words, "protocol": "reset"})
    if protocol == "continual":
        assert rows[0] == {**alone[0], "protocol": "continual"}
        assert rows[1] != {**alone[1], "protocol": "continual"}


def test_updates_from_a_memory(bench: Bench) -> None:
    """Updates use the latest frames after each window; another memory leads to other updates."""
    stream = Stream("held", ("gaussian_noise",), 5, 8)
    latest, balanced = (
        bench.measure(Cell(spec, stream)).rows[0]
        for spec in parse_all("tent:lr=0.1:memory=window,tent:lr=0.1:memory=balanced")
    )
    windows = stream.windows([label for _, label in bench.pictures[0].items], seed=0)
    assert latest.updates == len(windows) - 3  # those are all of the picture that does not decode
    assert balanced.updates
    assert balanced.ece != latest.ece


def test_slow_and_sudden_need_clean_pictures(settings: Settings, tmp_path: Path, console: Console) -> None:
    """The published ImageNet-C has each picture at one severity."""
    write_pictures(tmp_path / "gaussian_noise" / "5")
    words: dict[str, Any] = WORDS | {"protocol": "video", "corruptions": "gaussian_noise"}
    request = Request.parsed(**words)
    with pytest.raises(UsageError, match="--protocol slow corrupts as it goes: give clean pictures with --images"):
        run(
            load_model,
            request,
            settings,
            Job(folders={"imagenet-c": tmp_path}, out=tmp_path / "out", memory=False),
            console,
        )


def test_budgets(bench: Bench) -> None:
    """After its budget of updates or seconds, a method only predicts."""
    stream = Stream("reset", ("gaussian_noise",), 5, 4)
    tent = parse_all("tent:lr=0.1")[0]
    updates = [
        bench.measure(Cell(tent, stream, budget)).rows[0].updates
        for budget in (Budget(updates=0), Budget(updates=2), Budget(seconds=0.0), Budget())
    ]
    assert updates == [0, 2, 0, 5]


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 7, 8])
def test_tables_of_the_paper(number: int) -> None:
    """Everything a table needs can be measured, and each published number has its place."""
    plan = paper.plan(number)
    assert parse_all(",".join(map(str, plan.methods))) == plan.methods
    assert plan.published
    assert {row for row, _ in plan.published} <= plan.rows.keys()
    assert {column for _, column in plan.published} <= plan.columns.keys()


def test_table_6_is_of_the_generators_given(tmp_path: Path) -> None:
    """Whatever their path looks like."""
    spec = Spec("mgtta", files=(("mgg", tmp_path / "a:b,c.safetensors"),))
    plan = paper.plan(6, {64: spec})
    assert plan.methods == (spec,)
    assert list(plan.columns) == ["N=64"]


def test_the_papers_steps_are_cells_of_their_own(
    settings: Settings, pictures: Path, tmp_path: Path, console: Console
) -> None:
    """Larger first steps are the default, and off with --paper and tables; one folder holds both."""
    backbone = load_model(settings)
    mgg, stats = tmp_path / "mgg.safetensors", tmp_path / "stats.safetensors"
    card = {"boost": "8", "model_digest": backbone.digest}
    files.write(mgg, MetaGradientGenerator(seed=1).official(), card)
    SourceStatistics.measure(backbone, [torch.randn(8, 3, 32, 32)]).save(stats)
    ours = replace(settings, mgg=mgg, stats=stats)
    words: dict[str, Any] = {"methods": "mgtta,mgtta:boost=8,mgtta:boost=1", "corruptions": "fog"}

    def figures(settings: Settings, **more: Any) -> list[tuple[float, float]]:
        rows = measured(settings, pictures, tmp_path / "out", console, **words | more)
        return [(row["top1"], row["ece"]) for row in rows]

    larger, same, published = figures(ours)
    assert larger == same != published
    assert "mgtta runs as mgtta:boost=8.0" in console.export_text()
    assert figures(replace(ours, paper=True)) == [published, larger, published]
    many = write_pictures(tmp_path / "many", each=16)
    table = Request.parsed(**{**WORDS, "table": 7, "batch": None, "methods": "mgtta", "corruptions": "fog"})
    facts, _ = run(
        load_model, table, ours, Job(folders={"images": many}, out=tmp_path / "table", memory=False), console
    )
    assert facts["methods"]["mgtta"]["method"] == "mgtta"


def test_memory_that_was_not_looked_at_is_added_later(
    settings: Settings, pictures: Path, tmp_path: Path, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is measured later without measuring the cells again."""
    words: dict[str, Any] = {"methods": "none,tent", "corruptions": "fog,snow"}
    before = measured(settings, pictures, tmp_path / "out", console, **words)
    asked: list[str] = []

    def peak_of(work: Any) -> float:
        cell: Cell = work.args[1]
        asked.append(f"{cell.method} {cell.stream.batch}")
        return 100.0 + len(asked)

    monkeypatch.setattr("mgtta_cam.bench.measure.peak_of", peak_of)
    monkeypatch.setattr(Bench, "measure", lambda *_: pytest.fail("measured again"))
    request = Request.parsed(**WORDS | words)
    for _ in range(2):  # the second time all is there
        _, rows = run(load_model, request, settings, Job(folders={"images": pictures}, out=tmp_path / "out"), console)
        assert [row["peak_mem_mb"] for row in rows] == [101.0, 102.0] * 2
        assert [{**timeless(row), "peak_mem_mb": None} for row in rows] == before
    assert asked == ["none 4", "tent 4"]


def test_the_mixture_does_not_depend_on_the_order_of_names() -> None:
    """The same seed, the same stream."""
    windows = [Stream("mixed", names, 5, 4).windows(range(16), 0) for names in (("fog", "snow"), ("snow", "fog"))]
    assert windows[0] == windows[1]


def test_methods_on_the_same_pictures_are_compared_by_picture(
    settings: Settings, pictures: Path, tmp_path: Path, console: Console
) -> None:
    """The gain over `none` has its own interval; times are compared only for equal numbers of workers."""
    words: dict[str, Any] = {"methods": "none,tent:lr=0.1", "corruptions": "fog,gaussian_noise"}
    measured(settings, pictures, tmp_path / "out", console, **words)
    text = console.export_text()
    assert "gain over none" in text
    assert "± 95 %, paired" in text
    assert "times none" in text
    measured(settings, pictures, tmp_path / "out", console, 2, **words | {"methods": "none,tent:lr=0.1,lame"})
    lines = [line for line in console.export_text().splitlines() if "times none" in line]
    assert lines[-1].split()[2:] == ["1.00", lines[-1].split()[3]]  # none of lame, which two measured at once


def test_pictures_that_are_missing_under_one_corruption(settings: Settings, tmp_path: Path, console: Console) -> None:
    """Missing pictures of a partly unpacked archive are skipped, named and counted; the rest is measured."""
    for name in ("fog", "snow"):
        write_pictures(tmp_path / "c" / name / "5")
    (tmp_path / "c" / "fog" / "5" / "mug" / "0.png").unlink()
    words: dict[str, Any] = WORDS | {"methods": "none", "corruptions": "fog,snow"}
    _, rows = run(
        load_model,
        Request.parsed(**words),
        settings,
        Job(folders={"imagenet-c": tmp_path / "c"}, out=tmp_path / "out", memory=False),
        console,
    )
    assert rows[0]["n"] == rows[1]["n"] - 1
    assert "pictures skipped in total: 2" in console.export_text()


def test_the_layout_of_table_5(settings: Settings, tmp_path: Path, console: Console) -> None:
    """Budgets apply to MGTTA only; other methods are measured without."""
    many = write_pictures(tmp_path / "many", each=16)
    words: dict[str, Any] = {"table": 5, "methods": "none,tent", "corruptions": "fog", "batch": None}
    rows = measured(settings, many, tmp_path / "out", console, **words)
    assert [(row["method"], row["max_updates"]) for row in rows] == [("none", None), ("tent", None)]
    assert "seconds" in console.export_text()


def test_the_layout_of_table_1(settings: Settings, pictures: Path, tmp_path: Path, console: Console) -> None:
    """Methods down, corruptions across; the paper's numbers are not shown for other pictures."""
    words = {"table": 1, "methods": "none,tent", "corruptions": "fog,snow", "batch": None}
    with pytest.raises(UsageError, match=r"do not fill a window of 64: give more pictures$"):
        measured(settings, pictures, tmp_path / "out", console, **words)
    many = write_pictures(tmp_path / "many", each=16)
    measured(settings, many, tmp_path / "out", console, **words)
    text = " ".join(console.export_text().split())
    assert "Table 1" in text
    assert "for other pictures or another model" in text
    assert "(65.7)" not in text


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ({"methods": "tnet"}, "nearest: tent"),
        ({"methods": "tent:lr=0"}, "above 0"),
        ({"corruptions": "fogg"}, "did you mean 'fog'"),
        ({"corruptions": ","}, "--corruptions: give one or more names, or all"),
        ({"severity": "6"}, "severity must be an integer from 1"),
        ({"severity": "x"}, "expected numbers; got 'x'"),
        ({"batch": "0"}, "expected 1 or more"),
        ({"batch": "99"}, "17 pictures do not fill a window of 99: give more pictures or a smaller --batch"),
        ({"batch": ","}, "--batch: expected one or more numbers"),
        ({"protocol": ","}, "--protocol: give one or more"),
        ({"severity": ","}, "--severity: expected one or more numbers"),
        ({"protocol": "rest"}, "nearest: reset"),
        ({"max_updates": "-1"}, "expected 0 or more"),
        ({"max_seconds": "nan"}, "expected 0 or more seconds"),
        ({"table": 2, "batch": "4"}, "--batch and --table exclude each other"),
        ({"table": 6, "batch": None}, "--pretrain-images DIR"),
    ],
)
def test_bad_words(
    words: dict[str, Any], complaint: str, settings: Settings, pictures: Path, tmp_path: Path, console: Console
) -> None:
    """The error says on one line what was expected, what came and what to do."""
    with pytest.raises(UsageError, match=complaint):
        measured(settings, pictures, tmp_path / "out", console, **words)


def test_an_output_that_cannot_be_written(settings: Settings, pictures: Path, tmp_path: Path, console: Console) -> None:
    """An unwritable folder is reported before anything is measured."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot write"):
        measured(settings, pictures, tmp_path / "file" / "out", console)


def test_memory_is_seen(bench: Bench) -> None:
    """Peak memory is that of a separate process with python, torch, a model and a method."""
    stream = Stream("reset", ("clean",), 5, 4)
    (row,) = replace(bench, memory=True).measure(Cell(parse_all("tent")[0], stream)).rows
    assert row.peak_mem_mb is not None
    assert 100 < row.peak_mem_mb < 5000


def test_command(
    settings: Settings,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Rows go to stdout as JSON, tables elsewhere."""
    from mgtta_cam.cli import main

    words: Sequence[str] = [
        *("mgtta-cam", "bench", "--model", "tiny", "--weights", str(settings.weights), "--images", str(pictures)),
        *("--methods", "none", "--corruptions", "clean", "--batch", "8", "--no-memory", "--json"),
    ]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", list(words))
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 0
    printed = json.loads(capfd.readouterr().out)
    assert printed["rows"][0]["method"] == "none"
    assert printed["header"]["versions"]["torch"]
    assert printed["header"]["model"]["name"] == "tiny"
    assert printed["header"]["device"] == "cpu"
    assert printed["header"]["threads"] == 1
    assert (tmp_path / "mgtta-cam-bench" / "cells.jsonl").exists()


def test_a_bare_ray_is_a_local_one() -> None:
    """`--ray [ADDRESS]`."""
    from mgtta_cam.cli.main import completed

    assert completed(["bench", "--ray", "--json"]) == ["bench", "--ray", "local", "--json"]
    assert completed(["bench", "--ray"]) == ["bench", "--ray", "local"]
    assert completed(["bench", "--ray", "h:1"]) == ["bench", "--ray", "h:1"]
