"""Records and the page that is made from them."""

from __future__ import annotations

import base64
import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

from ionpath.data import example
from ionpath.errors import InputError
from ionpath.estimate import Estimate
from ionpath_cli import cli
from ionpath_cli.record import FILE, Figure, Quantity, Record, origin
from ionpath_cli.report import write_report
from ionpath_cli.sentences import comparison

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
        assert "need figures that are whole PNG files in its own folder, got " + name in said
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


NAN = float("nan")


def of(value: float, low: float, high: float, **more: object) -> Quantity:
    return Quantity("D", Estimate(value, (high - low) / 4, low, high, "A^2/ps"), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("quantities", "sentence"),
    [
        ({"A": of(2.0, 1.9, 2.1), "B": of(3.0, 2.9, 3.1)}, "D is larger in B (3.00 ± 0.05 A^2/ps) than in A (2.00"),
        ({"A": of(2.0, 1.0, 3.0), "B": of(2.5, 1.5, 3.5)}, "D is not shown to differ (A 2.0 ± 0.5 A^2/ps; B 2.5"),
        ({"A": of(NAN, 0.0, 1.0), "B": of(3.0, 2.9, 3.1)}, "D is larger in B (3.00 ± 0.05 A^2/ps) than in A (< 1"),
        ({"A": of(NAN, 0.0, 1.0), "B": of(NAN, 0.0, 9.0)}, "D is not shown to differ (A < 1 A^2/ps; B < 9"),
        ({"A": of(NAN, 4.0, NAN), "B": of(3.0, 2.9, 3.1)}, "D is larger in A (> 4 A^2/ps) than in B"),
        ({"A": of(NAN, NAN, NAN), "B": of(3.0, 2.9, 3.1)}, "Not determined: D of A."),
        (
            {"A": of(2.0, 1.9, 2.1, sound=False), "B": of(3.0, 2.9, 3.1)},
            "The verdict on A does not hold, so this is not settled.",
        ),
        ({"A": of(1.0, 0.9, 1.1), "B": of(2.0, 1.9, 2.1), "C": of(3.0, 2.9, 3.1)}, "the two furthest apart of 3."),
    ],
)
def test_sentences_say_what_the_intervals_say(quantities: dict[str, Quantity], sentence: str) -> None:
    said = " ".join(comparison({"D": quantities}))
    assert sentence in said
    assert ("not shown to differ" in said) != ("is larger" in said) or sentence.startswith("Not determined")


def test_systems_of_one_quantity_each_are_not_compared() -> None:
    assert comparison({"D": {"A": of(2.0, 1.9, 2.1)}, "S": {"B": of(3.0, 2.9, 3.1)}}) == [
        "One system only has: D; S. These are compared with nothing."
    ]


def test_of_one_system_the_first_sentences_say_what_each_number_is_worth() -> None:
    numbers = {"D": of(NAN, 0.0, 1.0), "S": of(3.0, 2.9, 3.1, sound=False), "H": of(NAN, NAN, NAN)}
    assert comparison({name: {"A": number} for name, number in numbers.items()}) == [
        "The run gives no more than a bound: D < 1 A^2/ps.",
        "Not to be quoted, since the verdict on the run does not hold: S 3.00 ± 0.05 A^2/ps.",
        "The run does not tell: H.",
    ]


def test_page_says_verdicts_provenance_and_where_the_files_are(folder: Path) -> None:
    quantity = Quantity("path entropy", Estimate(12.5, 0.5, 11.5, 13.5, "J/mol/K"), "pooled", "too short a run", False)
    made = origin("ionpath analyze a.xtc", seed=7, model="argyrodite.2", model_sha256="ab12")
    place = folder / "with space & co"
    Record("third", [quantity], notes=["too short a run", "another note"], parameters=made).save(place)
    page = write_report(folder, title="T").read_text()
    assert 'href="with%20space%20%26%20co/analysis.json"' in page
    assert 'href="quantities.csv"' in page
    for text in ("does not hold", "11.5 to 13.5 J/mol/K", "ionpath analyze a.xtc", "ab12", "another note"):
        assert text in page, text
    items = [line for line in page.splitlines() if "too short a run" in line]
    assert len(items) == 2, "once as the title of its mark, once among the verdicts, and not as a note"
    anchors = set(re.findall(r' id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= anchors


def run_of(place: Path, value: float, error: float = 0.02, verdict: str = "", **parameters: object) -> None:
    estimate = Estimate(value, error, value - 2 * error, value + 2 * error, "A^2/ps")
    d = Quantity("diffusion coefficient", estimate, "tracer", verdict)
    Record("Cl1.5", [d], parameters={"elements": {"Cl": 12, "Li": 44}, "temperature": 600.0, **parameters}).save(place)


def rows_of(folder: Path) -> dict[str, tuple[float, float]]:
    write_report(folder, title="T")
    rows = csv.DictReader((folder / "quantities.csv").read_text().splitlines())
    return {row["system"]: (float(row["value"]), float(row["error"])) for row in rows}


def test_runs_of_one_label_are_averaged_with_their_spread_in_the_error(tmp_path: Path) -> None:
    """Three arrangements, 0.20, 0.31 and 0.24 A^2/ps: s / sqrt(3) = 0.032, of single runs 0.02 / sqrt(3) = 0.012."""
    for name, value in (("a", 0.20), ("b", 0.31), ("c/inner", 0.24)):
        run_of(tmp_path / name, value, verdict="too short" if name == "b" else "")
    rows = rows_of(tmp_path)
    assert list(rows) == ["Cl1.5, a", "Cl1.5, b", "Cl1.5, c/inner", "Cl1.5"]
    assert rows["Cl1.5"] == pytest.approx((0.25, np.std([0.20, 0.31, 0.24], ddof=1) / 3**0.5))
    page = (tmp_path / "report.html").read_text()
    assert "0.250 ± 0.032" in page
    assert "mean over 3 runs, their spread is in the error; tracer" in page
    assert "Cl1.5, b: too short." in page


def test_one_run_that_was_analysed_twice_counts_once(tmp_path: Path) -> None:
    for name, value in (("a", 0.20), ("again", 0.20), ("b", 0.31)):
        run_of(tmp_path / name, value)
    assert rows_of(tmp_path)["Cl1.5"][0] == pytest.approx(0.255)
    assert "mean over 2 runs" in (tmp_path / "report.html").read_text()


def test_variants_of_one_analysis_are_not_averaged(tmp_path: Path) -> None:
    """Of all frames and of half of them: their difference was the "spread" of a "mean over 2 runs"."""
    for name, value, run in (("all", 0.20, "a"), ("half", 0.31, "a")):
        run_of(tmp_path / name, value, run=run)
    assert rows_of(tmp_path) == {"Cl1.5, all": (0.20, 0.02), "Cl1.5, half": (0.31, 0.02)}
    assert "mean over" not in (tmp_path / "report.html").read_text()
    run_of(tmp_path / "other", 0.30, run="b")  # whose mean would be with which of the two?
    assert list(rows_of(tmp_path)) == ["Cl1.5, all", "Cl1.5, half", "Cl1.5, other"]


@pytest.mark.parametrize(
    ("other", "labels"),
    [
        ({"sites": "sites.cif"}, ["Cl1.5", "Cl1.5, sites.cif"]),
        ({"temperature": 800.0}, ["Cl1.5, 600 K", "Cl1.5, 800 K"]),
        ({"elements": {"Cl": 4, "Li": 24}}, ["Cl1.5, Cl3Li11", "Cl1.5, ClLi6"]),
        ({"lag_time": 2.0}, ["Cl1.5", "Cl1.5, lag 2 ps"]),
    ],
)
def test_runs_under_other_conditions_are_not_averaged(tmp_path: Path, other: dict[str, object], labels) -> None:
    run_of(tmp_path / "a", 0.20)
    run_of(tmp_path / "b", 0.31, **other)
    assert rows_of(tmp_path) == {labels[0]: (0.20, 0.02), labels[1]: (0.31, 0.02)}


def test_parts_of_one_run_keep_its_name(tmp_path: Path) -> None:
    """Records that share no quantity, such as a run and the barrier of a hop beside it, are of one system."""
    run_of(tmp_path / "run", 0.20, lag_time=1.0)
    Record("Cl1.5", [Quantity("barrier", Estimate(16.0, 5.0, 6.0, 26.0, "kJ/mol"))]).save(tmp_path / "hop")
    write_report(tmp_path, title="T")
    rows = list(csv.DictReader((tmp_path / "quantities.csv").read_text().splitlines()))
    assert [(row["system"], row["quantity"]) for row in rows] == [
        ("Cl1.5", "barrier"), ("Cl1.5", "diffusion coefficient"),
    ]  # fmt: skip


def test_what_one_run_only_has_is_said(tmp_path: Path) -> None:
    for name, value in (("a", 0.20), ("b", 0.31)):
        run_of(tmp_path / name, value)
    record = Record.load(tmp_path / "b")
    more = [*record.quantities, of(0.5, 0.4, 0.6)]
    Record(record.label, more, parameters=record.parameters).save(tmp_path / "b")
    page = write_report(tmp_path, title="T").read_text()
    assert "of Cl1.5, b alone" in page


def charts_of(folder: Path, low: float, high: float) -> list[dict[str, object]]:
    """Charts of two systems whose path entropies are `low` and `high`."""
    for name, value in (("ordered", low), ("disordered", high)):
        rows = "".join(f"{k},{a},{b},1.5,{value}\n" for k, (a, b) in enumerate([("out", "LS1"), ("LS1", "out")]))
        (folder / name / "pairs.csv").write_text(f",source,target,mfpt,path_entropy\n{rows}2,out,LS2,,0\n")
        points = "".join(f"{k},{0.1 * k},{k**0.5}\n" for k in range(2000))
        (folder / name / "msd.csv").write_text(f",time,msd\n{points}")
        record = Record.load(folder / name)
        record.figures.append(Figure("Path entropy", "msd.png", "entropy </script><b>"))
        Record(record.label, record.quantities, record.figures).save(folder / name)
    page = write_report(folder, title="T").read_text()
    return [json.loads(spec) for spec in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page)]


def with_density(folder: Path, points: int = 36) -> None:
    """A density for each of the two systems: a rod of ions along c, and one atom of the framework."""
    values = [8.0 if abs(a - 5) + abs(b - 5) < 4 else 0.07 for a in range(points) for b in range(points)]
    axis = [round(0.27 * k, 3) for k in range(points)]
    table = {
        "axes": [axis] * 3, "density": [v for v in values for _ in range(points)], "threshold": 8.0,
        "framework": [["S", 1.0, 2.0, 3.0]],
    }  # fmt: skip
    for name in ("ordered", "disordered"):
        (folder / name / "density.json").write_text(json.dumps(table))
        record = Record.load(folder / name)
        record.figures.append(Figure("Density of the ions", "msd.png", f"up to 8, {name}"))
        Record(record.label, record.quantities, record.figures).save(folder / name)


def test_density_is_drawn_with_one_level_for_all(folder: Path) -> None:
    pytest.importorskip("plotly")
    with_density(folder)
    page = write_report(folder, title="T").read_text()
    specs = [json.loads(spec) for spec in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page)]
    assert [[trace["type"] for trace in spec["data"]] for spec in specs] == [["isosurface", "scatter3d"]] * 2
    surface = specs[0]["data"][0]
    assert surface["isomin"] == surface["isomax"] == 1
    assert len(surface["value"]) == 36**3 and max(surface["value"]) == 8
    assert page.count('<input type="range"') == 1
    assert "up to 8, ordered" in page and "up to 8, disordered" in page
    assert 'href="ordered/density.json"' in page
    (folder / "ordered" / "density.json").write_text('{"axes": [[0], [0], [0, 1]], "density": [1], "framework": []}')
    with pytest.raises(
        InputError, match=r"ordered/density\.json: need the table .* got ValueError: 1 values for 1 x 1 x 2"
    ):
        write_report(folder, title="T")


def test_density_table_is_that_of_the_analysis() -> None:
    mda = pytest.importorskip("MDAnalysis")
    pytest.importorskip("plotly")
    from ionpath_cli.density import density_table
    from ionpath_mdanalysis import IonDensity

    run = IonDensity(mda.Universe(*example()).select_atoms("element Li"), spacing=0.4).run(step=10)
    table = density_table(run)
    found, fine = np.reshape(table["density"], [len(axis) for axis in table["axes"]]), run.results.density
    assert found.shape == fine.shape, "few enough to be kept"
    np.testing.assert_allclose(found, np.where(fine < 0.05, 0, fine), rtol=0.06, atol=0.001)  # two digits
    assert table["threshold"] == run.results.percolation.threshold
    assert sorted({symbol for symbol, *_ in table["framework"]}) == ["Cl", "P", "S"]
    edge = run.results.grid.cell[0, 0]
    assert table["axes"][0][:2] == pytest.approx([0.5 * edge / len(fine), 1.5 * edge / len(fine)], abs=6e-4)  # A


def test_charts_share_a_scale_and_show_no_state_that_was_left_out(folder: Path) -> None:
    pytest.importorskip("plotly")
    displacement, *maps = charts_of(folder, 3.0, 9.0)
    assert [(m["data"][0]["zmin"], m["data"][0]["zmax"]) for m in maps] == [(3.0, 9.0)] * 2
    assert maps[0]["data"][0]["z"] == [[None, 9.0], [9.0, None]]
    assert {line["line"]["dash"] for line in displacement["data"]} == {"solid", "dash"}
    assert all(100 < len(line["x"]) <= 300 for line in displacement["data"]), "thinned"


def test_page_without_plotly_has_pictures_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ionpath_cli.interactive.find_spec", lambda name: None)
    assert charts_of(folder, 3.0, 9.0) == []
    assert "Plotly" not in (folder / "report.html").read_text()


def test_size_of_a_page_with_charts_is_bounded(folder: Path) -> None:
    """plotly's own script is 4.8 MB; it is there once, packed, beside two densities."""
    pytest.importorskip("plotly")
    charts_of(folder, 3.0, 9.0)
    page = folder / "report.html"
    with_density(folder)
    write_report(folder, title="T")
    assert 1e6 < page.stat().st_size < 3e6
    assert cli.main(["report", str(folder), "--still"]) == 0
    assert page.stat().st_size < 1e5


def test_tables_of_other_folders_are_not_read(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    secret = tmp_path.parent / "secret.csv"
    secret.write_text(",time,msd\n0,1,TOKEN\n")
    (folder / "ordered" / "msd.csv").symlink_to(secret)
    assert "TOKEN" not in write_report(folder, title="T").read_text()


def test_torn_table_is_named(folder: Path) -> None:
    pytest.importorskip("plotly")
    (folder / "ordered" / "msd.csv").write_text(",time,msd\n0,1\n")
    with pytest.raises(InputError, match=r"ordered/msd\.csv: need the table that `ionpath analyze` wrote, got ValueEr"):
        write_report(folder, title="T")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_page_reads_well_in_a_browser(folder: Path, browser, width: int, scheme: str) -> None:
    """No error, nothing fetched, nothing wider than the screen, every table within its box; text against its ground."""
    charts_of(folder, 3.0, 9.0)
    with_density(folder, 12)
    write_report(folder, title="T")
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    asked, errors = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((folder / "report.html").as_uri())
    for chart in page.locator(".chart").all():  # each is drawn when it comes into view
        chart.scroll_into_view_if_needed()
        chart.locator(".main-svg").first.wait_for(timeout=120_000)
    page.set_default_timeout(120_000)  # surfaces without a graphics card
    assert errors == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("details.stills[open]").count() == 0
    charts = "[...document.querySelectorAll('.chart')].filter(x => x.layout.scene).map(x => x.data[0].isomin)"
    assert page.evaluate(charts) == [1, 1]
    page.locator("input[data-level]").fill("0.5")
    page.locator("input[data-level]").dispatch_event("change")
    assert page.evaluate(charts) == [10**0.5] * 2
    assert "3.16 times the mean" in page.inner_text("main")
    colours = page.evaluate("[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]")
    text, ground = (sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in colours)
    assert (text > ground + 300) if scheme == "dark" else (ground > text + 300)
    context.close()
