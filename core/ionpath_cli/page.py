"""HTML pages from the templates of this package: escaped, in one style, with nothing from outside."""

from __future__ import annotations

import re
from typing import Any

from ionpath.errors import require

INSTALL = "pip install jinja2"
_POWERS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def render(template: str, **values: Any) -> str:
    """Fill a template of the command line or of studies; HTML is escaped."""
    jinja = require("jinja2", purpose="HTML pages", install=INSTALL)
    environment = jinja.Environment(
        loader=jinja.ChoiceLoader([jinja.PackageLoader("ionpath_cli"), jinja.PackageLoader("ionpath_cli.study")]),
        autoescape=template.endswith("html.j2"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja.StrictUndefined,
    )
    environment.filters["cell"] = lambda text: str(text).replace("|", "\\|").replace("\n", " ")
    environment.filters["typeset"] = typeset
    environment.filters["anchor"] = anchor
    return str(environment.get_template(template).render(**values))


def typeset(text: object) -> str:
    """Units as people print them.

    >>> typeset("0.275 ± 0.036 A^2/ps"), typeset("(2.75 ± 0.36)e-05 cm^2/s"), typeset("2.4 A")
    ('0.275 ± 0.036 Å²/ps', '(2.75 ± 0.36)×10⁻⁵ cm²/s', '2.4 Å')
    """
    words = re.sub(r"(?<=[\d) ])A(?=$|[\^/ ,.;)])", "Å", str(text))
    words = re.sub(r"(?<=[A-Za-zÅ])\^(-?\d)\b", lambda found: found[1].translate(_POWERS), words)
    return re.sub(r"(?<=[\d)])e([+-]\d+)\b", lambda found: "×10" + str(int(found[1])).translate(_POWERS), words)


def anchor(text: object) -> str:
    """Name of a heading for links.

    >>> anchor("Is the lag long enough?")
    'is-the-lag-long-enough'
    """
    return re.sub(r"[^a-z0-9]+", "-", str(text).lower()).strip("-") or "part"
