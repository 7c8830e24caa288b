"""The floors of the house: an import may only point down, rooms of one floor do not import each other, no cycles."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

import llamacli

PACKAGE = Path(llamacli.__file__).parent

# The picture in docs/architecture.md, from the bottom up. The rooms of a set do not import each other
# unless `DRAWN` says so.
FLOORS: tuple[set[str], ...] = (
    {"errors", "messages", "events", "sampling", "background"},
    {"settings", "complexity", "placement", "window", "meter", "paths", "attachments", "runfile", "builtin"},
    {"engine"},
    {"chat", "history", "bench", "doctor", "models", "server"},
    {"terminal"},
    {"cli"},
)
DRAWN = {("bench", "chat"), ("history", "chat"), ("server", "chat"), ("settings", "paths"), ("settings")}
HEAVY = {
    "torch": ("engine.local", "builtin"),
    "transformers": ("engine.local", "builtin"),
    "tokenizers": ("engine.local", "builtin"),
    "httpx2": ("engine.local", "engine.remote"),
    "fastapi": ("server",),
    "uvicorn": ("server",),
    "starlette": ("server",),
    "rich": ("terminal",),
    "prompt_toolkit": ("terminal",),
    "typer": ("cli",),
}

HEAVIEST = {"torch", "transformers", "prompt_toolkit", "tokenizers", "huggingface_hub", "httpx2", "fastapi", "uvicorn"}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(PACKAGE).with_suffix("").parts
        yield ".".join(parts).removesuffix(".__init__"), ast.parse(file.read_text(encoding="utf-8"))


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""
            yield from (f"{node.module}.{name.name}" for name in node.names)


def room(module: str) -> str:
    return module.split(".")[0]


def floor(name: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if name in rooms)


def inner_imports() -> Iterator[tuple[str, str]]:
    for module, tree in modules():
        for name in imports(tree):
            if name.startswith("llamacli.") and room(name.removeprefix("llamacli.")) in set().union(*FLOORS):
                yield module, name.removeprefix("llamacli.")


def test_every_room_stands_on_a_floor() -> None:
    rooms = {room(module) for module, _ in modules()} - {"__init__", "__main__"}
    assert rooms == set().union(*FLOORS)


def test_imports_point_down() -> None:
    upward = {
        (module, name)
        for module, name in inner_imports()
        if module != "__main__"
        and room(module) != room(name)
        and floor(room(name)) >= floor(room(module))
        and (room(module), room(name)) not in DRAWN
    }
    assert not upward


def test_there_are_no_cycles() -> None:
    names = {module for module, _ in modules()}
    graph: dict[str, set[str]] = {name: set() for name in names}
    for module, name in inner_imports():
        target = name if name in names else name.rpartition(".")[0]
        if target in names and target != module and not _lazy(module, target):
            graph[module].add(target)
    for start in graph:
        assert start not in _reachable(graph, start), f"{start} imports itself by a detour"


def _lazy(module: str, target: str) -> bool:
    """The one door: `engine` opens `engine.local` or `engine.remote` only when a model is wanted."""
    return module == "engine" and target.startswith(("engine.local", "engine.remote"))


def _reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    waiting = set(graph[start])
    while waiting:
        name = waiting.pop()
        seen.add(name)
        waiting |= graph[name] - seen
    return seen


@pytest.mark.parametrize("library", HEAVY)
def test_a_heavy_library_lives_in_its_own_room(library: str) -> None:
    users = {module for module, tree in modules() if any(room(name) == library for name in imports(tree))}
    assert users
    assert all(user.startswith(HEAVY[library]) for user in users), users


def test_the_lower_floors_need_only_the_standard_library() -> None:
    low = FLOORS[0] | (FLOORS[1] - {"builtin"})
    foreign = {
        (module, name)
        for module, tree in modules()
        for name in imports(tree)
        if room(module) in low and room(name) not in sys.stdlib_module_names | {"llamacli"}
    }
    assert not foreign


@pytest.mark.parametrize("arguments", [["--help"], ["ask", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    script = (
        "import sys\nfrom llamacli.cli.main import main\n"
        f"status = main({arguments!r})\n"
        f"print('HEAVY', sorted({HEAVIEST} & set(sys.modules)), status)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "HEAVY [] 0"


def test_functions_and_files_are_short() -> None:
    lengths = []
    for file in PACKAGE.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert text.count("\n") <= 250, file
        functions = (n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
        lengths += [(node.end_lineno or 0) - node.lineno + 1 for node in functions]
    assert median(lengths) <= 12
    assert sum(length <= 40 for length in lengths) >= 0.95 * len(lengths)
