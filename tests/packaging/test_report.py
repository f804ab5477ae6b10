"""Records and the page that is made from them."""

from __future__ import annotations

import base64
import csv
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


def test_page_holds_everything_and_nothing_from_outside(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
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
    assert (
        "need at least one analysis.json below it, got none; run `ionpath analyze` first"
        in capsys.readouterr().err
    )


def test_torn_record_is_named(folder: Path) -> None:
    (folder / "ordered" / FILE).write_text('{"label": "x"')
    with pytest.raises(
        InputError, match=r"analysis\.json: need a record that `ionpath analyze`.*JSONDecodeError"
    ):
        Record.load(folder / "ordered")
