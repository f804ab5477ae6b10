"""Output of a study: what its finished steps found, as tables and as a page."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ionpath import __version__
from ionpath.files import atomic_path, no_formula
from ionpath_cli.intact import QUANTITIES, read_json, write_json
from ionpath_cli.study.comparison import compare
from ionpath_cli.study.figures import draw_figures
from ionpath_cli.study.page import write_page
from ionpath_cli.study.plan import Plan
from ionpath_cli.study.tasks import checksum, done, placed, record_of


def collect(plan: Plan, folder: Path) -> list[dict[str, Any]]:
    """Rows of all finished steps of a plan, with their analysis, system, temperature, arrangement and potential."""
    found = []
    for task, key, place in placed(plan.tasks, folder):
        if task.stage not in ("analysis", "across", "biased") or not done(place, key, task.picoseconds):
            continue
        settings = task.settings
        analysis = settings["analysis"] if "analysis" in settings else f"biased/{settings['group']}"
        labels = {k: settings[k] for k in ("system", "temperature", "arrangement", "potential") if k in settings}
        labels["picoseconds"] = settings.get("picoseconds", task.picoseconds)
        for row in read_json(place / QUANTITIES) or []:
            found.append({"analysis": analysis, **labels, **row, "folder": str(place.relative_to(folder))})
    return found


def write_comparison(plan: Plan, folder: Path) -> Path:
    """Write ``comparison.csv``, ``.json`` and ``.html``; what is not finished is said to be so."""
    quantities = collect(plan, folder)
    compared = compare(plan.study, quantities, plan.dropped)
    records = list(filter(None, (record_of(place, key) for _, key, place in placed(plan.tasks, folder))))
    models = {t.settings["model"] for t in plan.tasks if "model" in t.settings}
    about = {
        "study": plan.study.name,
        "title": plan.study.title,
        "source": plan.study.source,
        "version": __version__,
        "models": {name: checksum(name) for name in sorted(models)},
        "lengths": dict(plan.lengths),
        "hours": round(sum(r["seconds"] for r in records) / 3600, 3),
        "steps": {"finished": len(records), "planned": len(plan.tasks)},
        "seeds": {t.name: t.settings["seed"] for t in plan.tasks if "seed" in t.settings},
    }
    about["figures"] = [
        {"title": f.title, "file": path.name} for f, path in draw_figures(plan.study, quantities, folder)
    ]
    content = {**about, "rows": [asdict(c) for c in compared], "quantities": [_strict(q) for q in quantities]}
    write_json(folder / "comparison.json", content)
    with atomic_path(folder / "comparison.csv") as part, part.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(asdict(compared[0])) if compared else ["number"])
        writer.writeheader()
        writer.writerows(
            {k: no_formula(v) if isinstance(v, str) else v for k, v in asdict(c).items()} for c in compared
        )
    return write_page(folder, plan.study, about, compared, quantities)


def _strict(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without nan, which JSON does not know."""
    return {k: (None if isinstance(v, float) and not math.isfinite(v) else v) for k, v in row.items()}
