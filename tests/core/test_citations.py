"""References as text and as BibTeX."""

from __future__ import annotations

import re

import pytest

import ionpath
from ionpath.citations import REFERENCES, references
from ionpath.errors import InputError
from ionpath.kinetics import implied_timescales, mfpt_matrix


def test_bibtex_has_the_references_of_what_was_used_once() -> None:
    text = ionpath.bibtex(mfpt_matrix, implied_timescales, mfpt_matrix)
    keys = re.findall(r"^@(\w+)\{([\w-]+),$", text, flags=re.MULTILINE)
    assert keys[0] == ("software", "ionpath")
    assert f"version = {{{ionpath.__version__}}}" in text
    used = dict.fromkeys([*mfpt_matrix.__references__, *implied_timescales.__references__])
    assert [key for _, key in keys[1:]] == list(used)


def test_every_reference_has_an_entry_that_is_whole() -> None:
    """Author, title and year each, a DOI where the text has one, and nothing lost of volume and page."""
    entries = ionpath.bibtex().split("\n\n")[1:]
    assert len(entries) == len(REFERENCES)
    for (key, reference), entry in zip(REFERENCES.items(), entries, strict=True):
        assert re.match(rf"@(article|misc)\{{{key},\n", entry), entry
        assert entry.count("{") == entry.count("}")
        fields = dict(re.findall(r"^  (\w+) = \{(.*)\},$", entry, flags=re.MULTILINE))
        assert fields["author"] and len(fields["title"]) > 15, entry
        assert re.fullmatch(r"(19|20)\d\d", fields.get("year", "")), entry
        assert fields.get("doi", "") == reference.partition(", doi:")[2]
        if entry.startswith("@article"):
            assert f"{fields['journal']} {fields['volume']}, {fields['pages']} ({fields['year']})" in reference


@pytest.mark.parametrize(
    ("key", "lines"),
    [
        (
            "bullerjahn2020",  # the article itself, https://doi.org/10.1063/5.0008312
            ["author = {Bullerjahn and {von Buelow} and Hummer}", "journal = {J. Chem. Phys.}", "pages = {024116}"],
        ),
        ("vanhove1954", ["author = {{Van Hove}}", "volume = {95}", "year = {1954}"]),
        ("guan2024", ["@misc{guan2024,", "eprint = {2412.07115}", "archiveprefix = {arXiv}", "year = {2024}"]),
        ("prinz2011", ["author = {Prinz and others}", "doi = {10.1063/1.3565032}"]),
    ],
)
def test_entries(key: str, lines: list[str]) -> None:
    text = ionpath.bibtex(references(key)(lambda: None))
    assert all(line in text for line in lines), text


def test_cite_prints_either(capsys: pytest.CaptureFixture[str]) -> None:
    ionpath.cite(mfpt_matrix)
    assert capsys.readouterr().out.startswith("[deeptime] Hoffmann et al., ")
    ionpath.cite(mfpt_matrix, format="bibtex")
    assert capsys.readouterr().out.startswith("@software{ionpath,\n")
    with pytest.raises(InputError, match="format: need 'text' or 'bibtex', got 'ris'"):
        ionpath.cite(mfpt_matrix, format="ris")  # type: ignore[arg-type]
