"""Results of an analysis that go into a document of jobflow or a database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from MDAnalysis.analysis.results import Results

from ionpath.msonable import decode, encode
from ionpath.version import __version__


class IonResults(Results):
    """Results of MDAnalysis that are MSONable: `as_dict` is strict JSON, with null for NaN."""

    def as_dict(self) -> dict[str, Any]:
        """All results in JSON's own types but models of deeptime, which are estimated again in no time."""
        head = {"@module": __name__, "@class": "IonResults", "@version": __version__}
        return head | {key: encode(value, key) for key, value in self.items() if key != "msm"}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote; keys that begin with @ are passed over.

        Tuples come back as lists, and a number alone that was NaN as None.
        """
        return cls({key: decode(value) for key, value in data.items() if not key.startswith("@")})
