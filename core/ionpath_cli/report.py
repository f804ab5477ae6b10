"""``ionpath report``: one self-contained HTML page, and the tables as CSV, from the records in a folder."""

from __future__ import annotations

import base64
import csv
import html
from pathlib import Path

from ionpath.errors import InputError
from ionpath.files import atomic_path
from ionpath_cli.options import parser
from ionpath_cli.record import FILE, Figure, Record

EXAMPLE = """
  ionpath analyze run/structure.extxyz run/trajectory.xtc -o results/LPSCl
  ionpath report results
"""
STYLE = """
body{font:16px/1.55 system-ui,sans-serif;color:#1c2733;max-width:1120px;margin:2.5em auto;padding:0 1.2em}
h1{font-size:1.9em;margin-bottom:.1em} h2{margin-top:2em;border-bottom:2px solid #e3e8ee;padding-bottom:.2em}
.lead{color:#51606f;font-size:1.08em} table{border-collapse:collapse;width:100%;margin:1em 0;font-size:.95em}
th,td{padding:.45em .7em;text-align:left;border-bottom:1px solid #e3e8ee;vertical-align:top}
th{background:#f4f7fa} td.n{font-variant-numeric:tabular-nums;white-space:nowrap} .note{color:#667;font-size:.86em}
.row{display:flex;flex-wrap:wrap;gap:1.2em} figure{flex:1 1 420px;margin:.8em 0;min-width:0}
figure img{width:100%;border:1px solid #e3e8ee;border-radius:6px} figcaption{color:#51606f;font-size:.9em}
ul.notes li{margin:.35em 0} code{background:#f4f7fa;padding:.1em .3em;border-radius:3px}
"""


def main(argv: list[str]) -> int:
    """Run ``ionpath report``."""
    arguments = parser("report", "One HTML page and CSV tables from the results in a folder.", EXAMPLE)
    arguments.add_argument("folder", type=Path, help="folder whose subfolders hold results")
    arguments.add_argument("--title", default="Lithium transport report")
    options = arguments.parse_args(argv)
    print(write_report(options.folder, title=options.title))
    return 0


def write_report(folder: Path, *, title: str, lead: str = "") -> Path:
    """Write ``report.html`` and ``quantities.csv`` from all records below a folder."""
    places = sorted(path.parent for path in folder.rglob(FILE))
    if not places:
        raise InputError(
            str(folder), need=f"at least one {FILE} below it", got="none", remedy="run `ionpath analyze` first"
        )
    records = [(place, Record.load(place)) for place in places]
    _write_csv(folder / "quantities.csv", [record for _, record in records])
    body = [f"<h1>{html.escape(title)}</h1>"]
    body += [f"<p class=lead>{html.escape(lead)}</p>"] if lead else []
    body += ["<h2>Numbers</h2>", _table([record for _, record in records])]
    body += _figures(records)
    body += ["<h2>What to keep in mind</h2>", _notes([record for _, record in records])]
    with atomic_path(folder / "report.html") as part:
        part.write_text(
            "<!doctype html><html lang=en><meta charset=utf-8>"
            f"<meta name=viewport content='width=device-width'><title>{html.escape(title)}</title>"
            f"<style>{STYLE}</style><body>{''.join(body)}</body></html>",
            encoding="utf-8",
        )
    return folder / "report.html"


def _rows(records: list[Record]) -> list[str]:
    names: list[str] = []
    for record in records:
        names += [q.name for q in record.quantities if q.name not in names]
    return names


def _table(records: list[Record]) -> str:
    labels = list(dict.fromkeys(record.label for record in records if record.quantities))
    head = "".join(f"<th>{html.escape(label)}</th>" for label in labels)
    lines = []
    for name in _rows(records):
        cells = []
        for label in labels:
            same = (q for record in records if record.label == label for q in record.quantities if q.name == name)
            quantity = next(same, None)
            text = ""
            if quantity is not None:
                text = html.escape(str(quantity.estimate))
                text += f"<br><span class=note>{html.escape(quantity.note)}</span>" if quantity.note else ""
            cells.append(f"<td class=n>{text}</td>")
        lines.append(f"<tr><td>{html.escape(name)}</td>{''.join(cells)}</tr>")
    return f"<table><tr><th></th>{head}</tr>{''.join(lines)}</table>"


def _figures(records: list[tuple[Path, Record]]) -> list[str]:
    keys: list[str] = []
    for _, record in records:
        keys += [figure.key for figure in record.figures if figure.key not in keys]
    parts = []
    for key in keys:
        same = [(place, r.label, f) for place, r in records for f in r.figures if f.key == key]
        parts.append(f"<h2>{html.escape(key)}</h2><div class=row>")
        parts += [_figure(place, label, figure) for place, label, figure in same]
        parts.append("</div>")
    return parts


def _figure(place: Path, label: str, figure: Figure) -> str:
    data = base64.b64encode(_picture(place, figure.file)).decode()
    caption = f"<b>{html.escape(label)}.</b> {html.escape(figure.caption)}"
    alt = html.escape(f"{label}: {figure.caption}", quote=True)
    return f'<figure><img alt="{alt}" src="data:image/png;base64,{data}"><figcaption>{caption}</figcaption></figure>'


def _picture(place: Path, name: str) -> bytes:
    """Content of a figure, which a record of somebody else may not take from another folder."""
    path = (place / name).resolve()
    content = path.read_bytes() if path.is_relative_to(place.resolve()) and path.is_file() else b""
    if not content.startswith(b"\x89PNG"):
        raise InputError(
            str(place / FILE),
            need="figures that are PNG files in its own folder",
            got=name,
            remedy="analyse the trajectory again, or take the figure out of the record",
        )
    return content


def _notes(records: list[Record]) -> str:
    items = [
        f"<li><b>{html.escape(record.label)}.</b> {html.escape(note)}</li>"
        for record in records
        for note in record.notes
    ]
    return f"<ul class=notes>{''.join(items)}</ul>"


def _write_csv(path: Path, records: list[Record]) -> None:
    with atomic_path(path) as part, part.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["system", "quantity", "value", "error", "low", "high", "unit", "note"])
        for record in records:
            for q in record.quantities:
                e = q.estimate
                words = [record.label, q.name, e.unit, q.note]
                label, name, unit, note = (_cell(word) for word in words)
                writer.writerow([label, name, e.value, e.error, e.low, e.high, unit, note])


def _cell(text: str) -> str:
    """A text that no table program takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
