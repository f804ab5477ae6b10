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
        """Write all results but models of deeptime, which are estimated again in no time.

        Returns
        -------
        dict
            Numbers, texts, lists, dictionaries and None only.
        """
        head = {"@module": __name__, "@class": "IonResults", "@version": __version__}
        return head | {key: encode(value, key) for key, value in self.items() if key != "msm"}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote.

        Parameters
        ----------
        data : mapping
            Dictionary; keys that begin with @ are passed over.

        Returns
        -------
        IonResults
            Results, with lists where tuples were, and None where a number alone was NaN.
        """
        return cls({key: decode(value) for key, value in data.items() if not key.startswith("@")})
