"""Calls of everything that is public, one argument of each made wrong; run as a script it prints a table.

The valid calls are those of the docstrings' examples, taken at the moment before they run, and the rows of `rows.py`.
"""

from __future__ import annotations

import ast
import contextlib
import doctest
import importlib
import inspect
import io
import json
import math
import os
import pkgutil
import resource
import select
import signal
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

ROOTS = ("ionpath", "ionpath_ase", "ionpath_mdanalysis", "ionpath_plumed", "pymatgen.analysis.argyrodite")
SECONDS, GIBIBYTES = 20, 3
NEVER = {  # what is wrong whatever the argument means; True, empty and None are right at some places
    "nan", "nan array", "complex", "text for a number", "texts", "object", "1.5 of a count", "misspelt keyword",
    "number for text",
}  # fmt: skip


@dataclass
class Call:
    """A valid call."""

    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] | None = None


def public() -> dict[Any, str]:
    """Every class and function in ``__all__`` of the distribution and of its packages, with its name."""
    found: dict[Any, str] = {}
    for root in ROOTS:
        top = importlib.import_module(root)
        below = [f"{root}.{module.name}" for module in pkgutil.iter_modules(top.__path__) if module.ispkg]
        for name in (root, *below):
            module = importlib.import_module(name)
            for key in getattr(module, "__all__", ()):
                thing = getattr(module, key)
                if (inspect.isfunction(thing) or inspect.isclass(thing)) and not (
                    inspect.isclass(thing) and issubclass(thing, Exception)
                ):
                    found.setdefault(thing, f"{name}.{key}")
    return found


def _target(function: Any, names: dict[Any, str]) -> str | None:
    if not callable(function) or getattr(function, "__hash__", None) is None:
        return None
    if inspect.ismethod(function):
        owner = function.__self__ if inspect.isclass(function.__self__) else type(function.__self__)
        return f"{names[owner]}.{function.__name__}" if owner in names else None
    return names.get(function)


def documented(thing: Any, names: dict[Any, str]) -> Iterator[Call]:
    """Calls in the examples of a docstring of what is public, and of its methods, each before it runs."""
    module = sys.modules[thing.__module__]

    def value(node: ast.expr) -> Any:
        return eval(compile(ast.Expression(node), "example", "eval"), scope)

    for example in doctest.DocTestFinder(recurse=False).find(thing, thing.__name__, module=module):
        scope = {**vars(module)}
        for part in example.examples:
            for node in ast.walk(ast.parse(part.source)):
                if not isinstance(node, ast.Call):
                    continue
                with contextlib.suppress(Exception):  # names inside comprehensions, calls on results that are not there
                    function = value(node.func)
                    if name := _target(function, names):
                        starred = [isinstance(arg, ast.Starred) for arg in node.args]
                        args = (
                            tuple(value(arg) for arg in node.args)
                            if not any(starred)
                            else tuple(value(node.args[0].value))
                        )
                        yield Call(name, function, args, {k.arg: value(k.value) for k in node.keywords if k.arg})
            with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
                exec(compile(part.source, "example", "exec"), scope)  # an echo would stay in builtins._


def calls_in(docstring: str) -> set[str]:
    """Names that the examples of a docstring call."""
    found = set()
    for part in doctest.DocTestParser().get_examples(docstring):
        for node in ast.walk(ast.parse(part.source)):
            if isinstance(node, ast.Call):
                found.add(ast.unparse(node.func).split(".")[-1])
                found.add(ast.unparse(node.func).split(".")[0])
    return found


def _number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, (bool, np.bool_))


def _first(array: Any, value: Any) -> Any:
    changed = np.array(array, dtype=float)
    changed.flat[0] = value
    return changed


def wrong(value: Any) -> Iterator[tuple[str, Any]]:
    """What cannot stand where a value stands, each with a name."""
    if value is None:
        yield from [("nan", math.nan), ("object", object())]
    elif isinstance(value, (bool, np.bool_)):
        yield from [("text for a number", "x"), ("nan", math.nan), ("a number for a truth value", 7)]
    elif _number(value):
        yield from [
            ("nan", math.nan), ("infinity", math.inf), ("minus infinity", -math.inf), ("negative", -abs(value) or -1),
            ("zero", 0), ("True", True), ("text for a number", str(value)), ("None", None), ("empty", []),
            ("1e30", 1e30), ("complex", 1 + 1j), ("a list", [value, value]), ("object", object()),
        ]  # fmt: skip
        if isinstance(value, (int, np.integer)):
            yield from [("1.5 of a count", value + 0.5), ("huge", 10**12)]
        else:
            yield "tiny", 1e-12
    elif isinstance(value, str):
        yield from [
            ("another word", "nonsense"),
            ("empty text", ""),
            ("number for text", 3),
            ("None", None),
            ("nan", math.nan),
        ]
    elif isinstance(value, os.PathLike):
        yield from [("no file", "no/such/file"), ("number for text", 3), ("None", None)]
    elif isinstance(value, dict):
        yield from [
            ("None", None),
            ("empty", {}),
            ("unknown key", {"nonsense": 1}),
            ("a list", [1]),
            ("text for a number", "x"),
        ]
        if (key := next(iter(value), None)) is not None and _number(value[key]):
            yield from [("nan in it", {**value, key: math.nan}), ("text in it", {**value, key: "x"})]
    elif isinstance(value, (np.ndarray, list, tuple, range)) and (array := _array(value)) is not None:
        yield from _wrong_arrays(array)
    elif inspect.isclass(value) or callable(value):
        yield from [("text for a number", "x"), ("a number", 3)]
    else:
        yield from [("None", None), ("a number", 1), ("text for a number", "x"), ("empty", []), ("object", object())]
        if hasattr(value, "universe") and hasattr(value, "n_atoms"):
            yield "no atoms", value[:0]
        if type(value).__name__ == "Atoms":
            yield from _wrong_atoms(value)


def _array(value: Any) -> Any:
    with contextlib.suppress(Exception):
        array = np.asarray(value)
        return array if array.dtype.kind in "iufbUS" and array.size else None
    return None


def _wrong_arrays(array: Any) -> Iterator[tuple[str, Any]]:
    yield from [("None", None), ("empty", np.zeros(0)), ("more axes", array[None]), ("object", object())]
    yield "short", array[:-1] if len(array) > 1 else np.concatenate([array, array])
    if array.dtype.kind in "US":
        yield from [
            ("unknown", np.where(array == array.flat[0], "Qq", array)),
            ("number for text", np.zeros(array.shape)),
        ]
        return
    yield from [("text for a number", "x"), ("texts", array.astype(str)), ("a number", 1), ("complex", array + 1j)]
    yield "long", np.concatenate([array, array, array])
    if array.ndim > 1:
        yield from [("flat", array.ravel()), ("without its last column", array[..., :-1])]
    if array.dtype.kind == "f":
        yield from [
            ("nan array", _first(array, math.nan)),
            ("infinity", _first(array, math.inf)),
            ("1e30", _first(array, 1e30)),
        ]
        yield from [
            ("all nan", np.full(array.shape, math.nan)),
            ("zeros", np.zeros(array.shape)),
            ("negative", -np.abs(array) - 1),
        ]
    elif array.dtype.kind in "iu":
        yield from [("negative index", _first(array, -5).astype(int)), ("beyond", _first(array, 10**6).astype(int))]
        yield from [
            ("huge", _first(array, 10**12).astype(int)),
            ("1.5 of a count", _first(array, 1.5)),
            ("nan array", _first(array, math.nan)),
        ]
        if array.ndim == 1 and array.size > 1:
            yield "twice", np.concatenate([array, array[:1]])


def _wrong_atoms(atoms: Any) -> Iterator[tuple[str, Any]]:
    for name, field, index, value in (
        ("nan array", "positions", 0, math.nan), ("an atom far away", "positions", 0, 1e30),
        ("nan cell", "cell", 0, math.nan), ("no cell", "cell", slice(None), 0.0),
    ):  # fmt: skip
        changed = atoms.copy()
        getattr(changed, field)[index] = value
        yield name, changed
    yield "no atoms", atoms[:0]


def changes(call: Call) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Argument, name of what is wrong, and all arguments by name with that one wrong."""
    signature = inspect.signature(call.function)
    bound = signature.bind(*call.args, **(call.kwargs or {}))
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            continue
        several = parameter.kind is parameter.VAR_POSITIONAL
        value = bound.arguments.get(name, () if several else parameter.default)
        if value is parameter.empty or (several and not value):
            continue
        for label, bad in wrong(value[0] if several else value):
            yield name, label, {**bound.arguments, name: (bad, *value[1:]) if several else bad}
    yield "temprature", "misspelt keyword", {**bound.arguments, "temprature": 300.0}


def outcome(call: Call, arguments: dict[str, Any], seconds: float = SECONDS) -> dict[str, Any]:
    """What a call ends in: clear, bare, accepted, out of time or out of memory."""
    from advised import dead_ends

    from ionpath.errors import InputError, IonpathError

    signature = inspect.signature(call.function)
    extra = {key: value for key, value in arguments.items() if key not in signature.parameters}
    rest = [name for name, one in signature.parameters.items() if one.kind is one.VAR_KEYWORD]
    bound = signature.bind_partial()
    bound.arguments = {name: arguments[name] for name in signature.parameters if name in arguments and name not in rest}
    more = {**arguments.get(rest[0], {}), **extra} if rest else extra
    signal.setitimer(signal.ITIMER_PROF, seconds)  # of this process: others may keep the machine busy
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            made = call.function(*bound.args, **bound.kwargs, **more)
            if any(base.__name__ == "AnalysisBase" for base in type(made).__mro__):
                made.run()
            elif inspect.isgenerator(made):
                list(made)
        return {"end": "accepted", "text": type(made).__name__}
    except BaseException as error:
        signal.setitimer(signal.ITIMER_PROF, 0)
        ours = [
            f"{os.path.basename(f.filename)}:{f.lineno}"
            for f in traceback.extract_tb(error.__traceback__)
            if "ionpath" in f.filename or "argyrodite" in f.filename
        ]
        misspelt = isinstance(error, TypeError) and "'temprature'" in str(error)
        end = "clear" if isinstance(error, IonpathError) or misspelt else "bare"
        end = {"MemoryError": "memory", "_OutOfTime": "time"}.get(type(error).__name__, end)
        dead = dead_ends(error.name, error.remedy, call.function) if isinstance(error, InputError) else []
        text = str(error)[:200].replace("\n", " ")
        return {"dead": dead, "end": end, "error": type(error).__name__, "at": ours[-1:], "text": text}
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


class _OutOfTime(BaseException):
    pass


def _ring(*_: Any) -> None:
    raise _OutOfTime


def campaign(call: Call, only: set[str] | None = None, budget: float = 1800.0) -> list[dict[str, Any]]:
    """A valid call and every change of it, tried in a process of its own with little memory and little time."""
    valid = inspect.signature(call.function).bind(*call.args, **(call.kwargs or {})).arguments
    todo = [("", "", valid), *(change for change in changes(call) if only is None or change[1] in only)]
    ends: list[dict[str, Any]] = []
    start = time.monotonic()
    while len(ends) < len(todo) and time.monotonic() - start < budget:
        reading, writing = os.pipe()
        if (child := os.fork()) == 0:
            os.close(reading)
            _limited()
            with os.fdopen(writing, "w") as pipe:
                for _, _, arguments in todo[len(ends) :]:
                    end = outcome(call, arguments)
                    pipe.write(json.dumps(end) + "\n")
                    pipe.flush()
                    if end["end"] == "time":  # in the middle of an import or of a compilation: others would fail by it
                        break
            os._exit(0)
        os.close(writing)
        found = _collected(reading)
        ends += found
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        if found and found[-1]["end"] == "time":  # what is compiled at a first call on a machine is not counted
            ends[-1] = _alone(call.name, *todo[len(ends) - 1][:2])
        elif len(ends) < len(todo):  # the process died, or hung where no signal reaches it
            ends.append(_alone(call.name, *todo[len(ends)][:2]))
    named = [{"call": call.name, "argument": name, "wrong": label} for name, label, _ in todo]
    return [name | end for name, end in zip(named, ends, strict=False)]


def _alone(name: str, argument: str, label: str) -> dict[str, Any]:
    """The same in a process that is nobody's copy: threads of a potential that was used before are not in a copy."""
    words = f"import calls; print(calls.answer({name!r}, {argument!r}, {label!r}))"
    here = {**os.environ, "PYTHONPATH": os.pathsep.join([os.path.dirname(__file__), *filter(None, sys.path)])}
    try:
        made = subprocess.run(
            [sys.executable, "-c", words], env=here, capture_output=True, text=True, timeout=20 * SECONDS
        )
        return dict(json.loads(made.stdout.splitlines()[-1]))
    except (subprocess.TimeoutExpired, IndexError, ValueError):
        return {"end": "time", "error": "", "text": "no answer"}


def answer(name: str, argument: str, label: str) -> str:
    """What one change of one call ends in, as JSON."""
    call = next(call for call in all_calls((name,)) if call.name == name)
    valid = inspect.signature(call.function).bind(*call.args, **(call.kwargs or {})).arguments
    arguments = next((one for key, wrong_one, one in changes(call) if (key, wrong_one) == (argument, label)), valid)
    _limited()
    outcome(call, valid, 10 * SECONDS)
    return json.dumps(outcome(call, arguments))


def _limited() -> None:
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + GIBIBYTES * 2**30,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, _ring)


def _collected(pipe: int) -> list[dict[str, Any]]:
    text = b""
    # By the clock on the wall, which runs on while others keep the machine busy: for what hangs without work.
    while select.select([pipe], [], [], 20 * SECONDS)[0] and (more := os.read(pipe, 2**16)):
        text += more
    os.close(pipe)
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith(b"\n")]


def in_package(package: str) -> tuple[str, ...]:
    """Names of what is public in a package itself, not in one below it."""
    return tuple(sorted(name for name in public().values() if name.rpartition(".")[0] == package))


def all_calls(prefixes: tuple[str, ...] = ("",)) -> Iterator[Call]:
    """One valid call of everything public, and of every method that an example calls."""
    import rows

    names, seen = public(), set()
    for name, make in rows.ROWS.items():
        if name.startswith(prefixes):
            yield Call(name, *make())
            seen.add(name)
    for thing, name in names.items():
        if name.startswith(prefixes) and name not in rows.SLOW:
            for call in documented(thing, names):
                if call.name not in seen and call.name.startswith(prefixes):
                    seen.add(call.name)
                    yield call


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    with open(sys.argv[1], "w") as file:
        for one in all_calls(tuple(sys.argv[2].split(","))):
            for line in campaign(one):
                file.write(json.dumps(line) + "\n")
            file.flush()
