"""Sphinx configuration: `make docs` builds the site into build/docs, with warnings as errors."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import ionpath

# Lines of notebooks that begin with ! are those of the environment that builds the site, whether it is active or not.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])

project = "ionpath"
author = "ionpath developers"
copyright = "ionpath developers"
version = release = ionpath.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "**.ipynb_checkpoints"]
nitpicky = False

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
# Links that lead out of the documentation, to files of the repository, are checked by tests/test_readme.py.
suppress_warnings = ["myst.xref_missing"]

# Notebooks run when the site is built; what they compute is not kept in the repository.
nb_execution_mode = "cache"
nb_execution_timeout = 600
nb_execution_in_temp = True
nb_output_stderr = "remove"  # progress bars and what libraries say when they are loaded
nb_execution_raise_on_error = True

autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_mock_imports: list[str] = []
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_title = "ionpath"
html_domain_indices = False  # the API pages list the modules
html_static_path = ["_static"]
html_css_files = ["ionpath.css"]
html_theme_options = {"navigation_with_keys": True, "sidebar_hide_name": False}


def setup(app):  # type: ignore[no-untyped-def]
    """The directive ``ionpath-names``: full documentation of all names that a package exports, in its own order."""
    from importlib import import_module

    from docutils.statemachine import StringList
    from sphinx.util.docutils import SphinxDirective

    class Names(SphinxDirective):
        required_arguments = 1

        def run(self):  # type: ignore[no-untyped-def]
            package = self.arguments[0]
            module = import_module(package)
            names = getattr(module, "__all__", None) or [
                name for name, thing in vars(module).items()
                if not name.startswith("_") and getattr(thing, "__module__", None) == package
            ]  # fmt: skip
            lines = []
            for name in names:
                thing = getattr(module, name)
                if isinstance(thing, type):
                    lines += [f".. autoclass:: {package}.{name}", "   :members:", ""]
                elif callable(thing):
                    lines += [f".. autofunction:: {package}.{name}", ""]
                elif not hasattr(thing, "__path__") and not isinstance(thing, type(module)):
                    lines += [f".. autodata:: {package}.{name}", "   :no-value:", ""]
            return self.parse_text_to_nodes(StringList(lines, source=package))

    app.add_directive("ionpath-names", Names)
