"""The contract for packages that extend ionpath, verified when a plugin registers.

A package adds entries by implementing one or more of the hooks below and declaring itself in its pyproject.toml::

    [project.entry-points.ionpath]
    mine = "mine.ionpath_hooks"

and in ``mine/ionpath_hooks.py``::

    from ionpath.plugins import hookimpl

    @hookimpl
    def order_parameters():
        return {"hexatic": hexatic}

Nothing else is needed: ``OrderParameter(atoms, "hexatic")`` and ``softness.correlate("hexatic")`` find it. An
installed plugin replaces a built-in entry of the same name.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import pluggy

from ionpath.errors import IonpathError, one_of

hookspec = pluggy.HookspecMarker("ionpath")
hookimpl = pluggy.HookimplMarker("ionpath")


class PluginError(IonpathError):
    """A plugin that does not keep the contract; the message names plugin, hook and entry."""


@hookspec
def discretisers() -> Mapping[str, Callable[..., Any]]:
    """Return ``{name: factory}`` of rules that give ions their sites.

    A factory is called once for a trajectory as ``factory(shells, cutoff=..., mode=..., margin=...)`` with `shells` an
    `ionpath.kinetics.CoordinationShells` and the options that the user passed (``None`` is the default), and returns a
    function ``assign(ions, cells, centres)``. That one is called for chunks of frames in the order of time, with `ions`
    (n_frames, n_ions, 3) in A, `cells` (n_frames, 3, 3) in A, and `centres` (n_frames, n_centres, 3) in A or None, and
    returns an `ionpath.kinetics.SiteAssignment`: the index of the site of each ion, (n_frames, n_ions) integers, -1
    where it is on none, and whether a second site is as near. ``PathEntropy(..., method=name)`` uses it.
    """
    raise NotImplementedError


@hookspec
def order_parameters() -> Mapping[str, Callable[..., Any]]:
    """Return ``{name: function}`` that measure local order.

    Each function is called as ``function(positions, cell)`` with `positions` (n_atoms, 3) and `cell` (3, 3) in A and
    returns one number per atom, (n_atoms,).
    ``MDAnalysis.analysis.anion_disorder.OrderParameter(atoms, name)`` and ``Softness.correlate(name)`` use it.
    """
    raise NotImplementedError


@hookspec
def collective_variables() -> Mapping[str, Callable[..., Any]]:
    """Return ``{name: function}`` of collective variables.

    Each function is called as ``function(positions, cell)`` with `positions` (n_atoms, 3) and `cell` (3, 3) in A and
    returns ``(value, gradient, virial)`` of shapes (), (n_atoms, 3) and (3, 3).
    """
    raise NotImplementedError


@hookspec
def potentials() -> Mapping[str, Any]:
    """Return ``{name: path}`` of Deep Potential model files that deepmd-kit reads."""
    raise NotImplementedError


@hookspec
def structures() -> Mapping[str, Callable[..., Any]]:
    """Return ``{name: factory}`` of crystals to start molecular dynamics and training from.

    Each factory is called as ``factory(seed)``, where the integer `seed` selects the arrangement of sites that share
    elements, and returns ``(symbols, positions, cell)``: n_atoms element symbols, (n_atoms, 3) and (3, 3) in A; the
    crystal is periodic along all three vectors.
    """
    raise NotImplementedError


@hookspec
def engines() -> Mapping[str, Callable[..., Any]]:
    """Return ``{name: factory}`` of engines of molecular dynamics.

    Each factory is called as ``factory(atoms, **options)`` with ASE's `Atoms` and their calculator. It checks all that
    can be checked, touches no file, and returns an object with ``rewind()``, which cuts files back to the checkpoint
    from which the run will go on (False: it is a new one), and ``run()``, which makes the steps that are left and
    returns another object with ``atoms`` (the last configuration), ``steps`` (done in all) and ``resumed_at`` (the step
    from which it went on; 0 for a new run). Options that an engine has to understand: `temperature` (K), `picoseconds`
    (of the whole run), `timestep` (fs), `thermostat` (``"langevin"``), `damping` (its time constant in ps), `seed`,
    `plumed` (lines of a PLUMED input, read and written in the current folder), `trajectory` (file), `interval` and
    `checkpoint_interval` (ps), `restart` and `progress` (bools), `processes` (how many it may use; None: its own
    choice), `note` (called after every checkpoint for a text in the progress bar), `follow` (True: `atoms` may also be
    where the run stopped) and `first_frame` (False: the trajectory has no frame of the start).
    """
    raise NotImplementedError


_ENGINE_OPTIONS = (
    "temperature", "picoseconds", "timestep", "thermostat", "damping", "seed", "plumed", "trajectory", "interval",
    "checkpoint_interval", "restart", "progress", "processes", "note", "follow", "first_frame",
)  # fmt: skip
CALLS: dict[str, tuple[tuple[Any, ...], dict[str, Any]] | None] = {
    "discretisers": ((0,), {"cutoff": None, "mode": "correct", "margin": 0.1}),
    "order_parameters": ((0, 1), {}),
    "collective_variables": ((0, 1), {}),
    "potentials": None,
    "structures": ((0,), {}),
    "engines": ((0,), dict.fromkeys(_ENGINE_OPTIONS)),
}
"""How entries of each hook are called: positional arguments and keywords; None where entries are files."""


class _BuiltIn:
    """The entries that ionpath itself brings, registered as any other plugin is."""

    @staticmethod
    @hookimpl
    def discretisers() -> Mapping[str, Callable[..., Any]]:
        from ionpath.paired import paired_cages
        from ionpath.sites.discretisers import BUILT_IN

        return {**BUILT_IN, "paired-cages": paired_cages}


def available(kind: str) -> dict[str, Any]:
    """All entries of one kind, built-in and installed: name -> function or path.

    `kind` is the name of the hook. An installed plugin replaces a built-in of the same name. InputError if there is no
    such hook; PluginError if an installed plugin does not keep the contract.

    Examples
    --------
    >>> "nearest" in available("discretisers")
    True
    """
    one_of("kind", kind, CALLS)
    found: dict[str, Any] = {}
    for entries in reversed(getattr(manager().hook, kind)()):
        found.update(entries)
    return found


def register(plugin: object, name: str | None = None) -> None:
    """Register a plugin of this process, a module or object with functions marked by `hookimpl`, and verify it.

    `name` is its name in messages, by default the module's. PluginError if a hook is unknown, takes arguments it should
    not, or returns something that cannot be called as the hook says; the plugin is then not registered.

    Examples
    --------
    >>> class Mine:
    ...     @hookimpl
    ...     def discretizers(self):
    ...         return {}
    >>> register(Mine(), name="mine")
    Traceback (most recent call last):
    ...
    ionpath.plugins.PluginError: plugin 'mine': unknown hook 'discretizers'; the hooks are discretisers, ...
    """
    _register(manager(), plugin, name or str(getattr(plugin, "__name__", type(plugin).__name__)))


def unregister(plugin: object) -> None:
    """Take a plugin of this process out again."""
    manager().unregister(plugin)


@cache
def manager() -> pluggy.PluginManager:
    """The pluggy manager with built-in and installed plugins, made at first use (a few milliseconds), then kept."""
    from importlib.metadata import entry_points

    plugin_manager = pluggy.PluginManager("ionpath")
    plugin_manager.add_hookspecs(sys.modules[__name__])
    # Its entries are verified in the tests: to look at them here would import all of SciPy for every `available`.
    plugin_manager.register(_BuiltIn, name="ionpath")
    for point in entry_points(group="ionpath"):
        try:
            module = point.load()
        except Exception as error:
            package = point.dist.name if point.dist else point.value
            raise PluginError(
                f"plugin {point.name!r} of package {package!r} cannot be imported ({type(error).__name__}: {error}); "
                f"repair it or remove it with: pip uninstall {package}"
            ) from error
        _register(plugin_manager, module, point.name)
    return plugin_manager


def _register(plugin_manager: pluggy.PluginManager, plugin: object, name: str) -> None:
    try:
        plugin_manager.register(plugin, name=name)
        _check_names(plugin_manager, plugin, name)
        _check_entries(plugin_manager, plugin, name)
    except pluggy.PluginValidationError as error:
        _forget(plugin_manager, plugin)
        raise PluginError(f"plugin {name!r}: {error}") from error
    except PluginError:
        _forget(plugin_manager, plugin)
        raise


def _forget(plugin_manager: pluggy.PluginManager, plugin: object) -> None:
    if plugin_manager.is_registered(plugin):
        plugin_manager.unregister(plugin)


def _check_names(plugin_manager: pluggy.PluginManager, plugin: object, name: str) -> None:
    for caller in plugin_manager.get_hookcallers(plugin) or ():
        if not caller.has_spec():
            raise PluginError(f"plugin {name!r}: unknown hook {caller.name!r}; the hooks are {', '.join(CALLS)}")


def _check_entries(plugin_manager: pluggy.PluginManager, plugin: object, name: str) -> None:
    for caller in plugin_manager.get_hookcallers(plugin) or ():
        for implementation in caller.get_hookimpls():
            if implementation.plugin is plugin:
                _check_result(name, caller.name, implementation.function())


def _check_result(name: str, hook: str, entries: object) -> None:
    if not isinstance(entries, Mapping) or not all(isinstance(key, str) for key in entries):
        raise PluginError(f"plugin {name!r}, hook {hook!r}: need a dict with names as keys, got {entries!r}")
    call = CALLS[hook]
    for key, entry in entries.items():
        if call is None:
            continue
        if not callable(entry):
            raise PluginError(f"plugin {name!r}, hook {hook!r}, entry {key!r}: need a function, got {entry!r}")
        positional, keywords = call
        try:
            inspect.signature(entry).bind(*positional, **keywords)
        except TypeError as error:
            named = f" and {', '.join(keywords)} by name" if keywords else ""
            raise PluginError(
                f"plugin {name!r}, hook {hook!r}, entry {key!r}: must be callable with {len(positional)} positional "
                f"argument{'s' * (len(positional) > 1)}{named} (see ionpath.plugins.{hook}): {error}"
            ) from error
