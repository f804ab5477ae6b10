"""Records and the page that is made from them."""

from __future__ import annotations

import base64
import csv
import json
from pathlib import Path

import pytest

from ionpath.errors import InputError
from ionpath.estimate import Estimate
from ionpath_cli import cli
from ionpath_cli.record import FILE, Figure, Quantity, Record

# Smallest PNG: one pixel.
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, value in (("ordered", 12.5), ("disordered", 31.0)):
        place = tmp_path / name
        place.mkdir()
        (place / "msd.png").write_bytes(PIXEL)
        bound = Estimate(float("nan"), float("nan"), 0.0, 2.0, "mS/cm")
        Record(
            label=f"{name} & co",
            quantities=[
                Quantity("path entropy", Estimate(value, 0.5, value - 1, value + 1, "J/mol/K"), "pooled"),
                Quantity("conductivity", bound),
            ],
            figures=[Figure("Mean squared displacement", "msd.png", "MSD <of> lithium")],
            notes=["short run"],
        ).save(place)
    return tmp_path


def test_round_trip(folder: Path) -> None:
    record = Record.load(folder / "ordered")
    assert record.quantities[0].estimate == Estimate(12.5, 0.5, 11.5, 13.5, "J/mol/K")
    assert record.figures[0].file == "msd.png"


def test_page_holds_everything_and_nothing_from_outside(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report", str(folder), "--title", "A & B"]) == 0
    page = Path(capsys.readouterr().out.strip()).read_text()
    assert page.count("data:image/png;base64,") == 2
    assert "12.5 ± 0.5 J/mol/K" in page
    assert "31.0 ± 0.5 J/mol/K" in page
    assert "&lt; 2 mS/cm" in page, "an upper bound is shown as one"
    assert "A &amp; B" in page
    assert "MSD &lt;of&gt; lithium" in page
    assert "http" not in page


def test_table_as_csv(folder: Path) -> None:
    assert cli.main(["report", str(folder)]) == 0
    rows = list(csv.DictReader((folder / "quantities.csv").read_text().splitlines()))
    assert [(r["system"], float(r["value"])) for r in rows if r["quantity"] == "path entropy"] == [
        ("disordered & co", 31.0),
        ("ordered & co", 12.5),
    ]


def test_empty_folder_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report", str(tmp_path)]) == 1
    assert "need at least one analysis.json below it, got none; run `ionpath analyze` first" in capsys.readouterr().err


def test_torn_record_is_named(folder: Path) -> None:
    (folder / "ordered" / FILE).write_text('{"label": "x"')
    with pytest.raises(InputError, match=r"analysis\.json: need a record that `ionpath analyze`.*JSONDecodeError"):
        Record.load(folder / "ordered")


def test_figures_of_other_folders_are_not_embedded(folder: Path, tmp_path: Path, capsys) -> None:
    """A record of somebody else may name any file: by a path upwards, an absolute one, a link, or no picture."""
    secret = tmp_path.parent / "secret.png"
    secret.write_bytes(PIXEL + b"TOKEN")
    place = folder / "ordered"
    (place / "linked.png").symlink_to(secret)
    (place / "text.png").write_text("TOKEN")
    for name in ("../../secret.png", str(secret), "linked.png", "text.png", "absent.png", "."):
        Record("x", figures=[Figure("key", name, "caption")]).save(place)
        assert cli.main(["report", str(folder)]) == 1
        said = capsys.readouterr().err
        assert "need figures that are PNG files in its own folder, got " + name in said
        assert not (folder / "report.html").exists()


def test_cells_are_no_formulas(folder: Path) -> None:
    for start in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1"):
        Record(start, [Quantity(start, Estimate(1.0, 0.1, 0.8, 1.2, start), start)]).save(folder / "ordered")
        assert cli.main(["report", str(folder)]) == 0
        with (folder / "quantities.csv").open(newline="") as file:
            rows = list(csv.reader(file))
        texts = [cell for row in rows if row[0].startswith("'") for cell in (row[0], row[1], row[6], row[7])]
        assert texts == [f"'{start}"] * 4


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("label", 3),
        ("notes", [["nested"]]),
        ("figures", [{"key": 1, "file": "a", "caption": "b"}]),
        ("quantities", [{"name": "x", "estimate": {"value": "y", "error": 0, "low": 0, "high": 0, "unit": ""}}]),
        ("quantities", [{"name": "x", "estimate": [1, 2]}]),
        ("parameters", 5),
    ],
)
def test_records_of_the_wrong_kind_are_named(folder: Path, key: str, value: object) -> None:
    path = folder / "ordered" / FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(InputError, match=r"ordered/analysis\.json: need a record that `ionpath analyze`"):
        Record.load(folder / "ordered")


def test_records_of_version_0_1_0_load(folder: Path) -> None:
    """They had NaN, which is no JSON, and no names of classes."""
    (folder / "ordered" / FILE).write_text(
        '{"label": "x", "quantities": [{"name": "D", "estimate": {"value": NaN, "error": NaN, "low": 0.0, '
        '"high": 2.0, "unit": "A^2/ps"}, "note": "tracer"}], "figures": [{"key": "k", "file": "msd.png", '
        '"caption": "c"}], "notes": ["n"], "parameters": {"temperature": 600.0}}'
    )
    record = Record.load(folder / "ordered")
    assert str(record.quantities[0].estimate) == "< 2 A^2/ps"
    record.save(folder / "ordered")
    text = (folder / "ordered" / FILE).read_text()
    assert "NaN" not in text
    assert Record.load(folder / "ordered").figures == record.figures
