"""The house keeps its own rules: small modules, no loose ends, a sentence for everything public, and floors that hold."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
LONGEST_MODULE = 400
CODE = [
    path
    for folder in ("hotline", "workers", "tools", "benchmarks")
    for path in sorted((HOUSE / folder).rglob("*.py"))
    if "migrations/versions" not in path.as_posix()  # written by Alembic, and never edited again
]
SHIPPED = [path for path in CODE if path.relative_to(HOUSE).parts[0] in ("hotline", "workers")]
PURE = [path for folder in ("triage", "gateways") for path in sorted((HOUSE / "hotline" / folder).rglob("*.py"))]

KINDS_OF_TEXT = {".py", ".md", ".toml", ".html", ".css", ".js", ".json", ".jsonl", ".svg", ".lock", ".yaml", ".cfg", ""}
NOT_OURS = {".git", ".venv", "node_modules", "instance", "vendor", "__pycache__", "htmlcov"}
# A letter in brackets, so that these lines do not find themselves.
MACHINE = re.compile(r"(?<![\w.:/~$}>)-])/(?:[w]ork|[r]oot|[t]mp|[o]pt|[m]nt|[U]sers|[h]ome/[a-z]\w*)/[\w.-]+")
REGISTRY = re.compile(r"(?:[p]ypi|[p]ythonhosted|[n]pmjs|[c]rates|[g]hcr|[d]ocker)\.(?:org|com|io)")
LOOSE_END = re.compile("[T]ODO|[F]IXME|[H]ACK")


def ids(path: Path) -> str:
    return path.relative_to(HOUSE).as_posix()


def house_files() -> Iterator[Path]:
    """Everything that is kept, without what tools leave behind."""
    for path in sorted(HOUSE.rglob("*")):
        parts = set(path.relative_to(HOUSE).parts)
        hidden = any(part.startswith(".") and part not in {".ci", ".pre-commit-config.yaml"} for part in parts)
        made = any(part.endswith((".egg-info", "_cache")) for part in parts)
        if path.is_file() and not hidden and not made and not parts & NOT_OURS and path.suffix in KINDS_OF_TEXT:
            yield path


@pytest.mark.parametrize("path", CODE, ids=ids)
def test_a_module_can_be_read_in_one_go(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE


@pytest.mark.parametrize("path", SHIPPED, ids=ids)
def test_everything_public_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    silent = [name for name, node in public(tree) if not ast.get_docstring(node)]
    assert ast.get_docstring(tree), "the module itself"
    assert silent == []


def test_no_file_has_a_loose_end_a_machine_s_path_or_a_registry() -> None:
    found = [
        f"{ids(path)}: {hit.group()}"
        for path in house_files()
        for pattern in (LOOSE_END, MACHINE, REGISTRY)
        if (hit := pattern.search(path.read_text(encoding="utf-8")))
    ]
    assert found == []


def test_the_search_finds_what_it_is_for() -> None:
    assert MACHINE.search("see " + "/wo" + "rk/x.md")
    assert MACHINE.search("'" + "/ho" + "me/anna/x")
    assert not MACHINE.search("a path such as var/tmp/x or https://example.org/ho" + "me/x")
    assert REGISTRY.search("https://" + "py" + "pi.org/simple")
    assert any(path.name == "README.md" for path in house_files())


@pytest.mark.parametrize("path", PURE, ids=ids)
def test_triage_and_gateways_know_neither_database_nor_queue_nor_web(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    banned = {"sqlalchemy", "alembic", "rq", "redis", "flask", "werkzeug"}
    assert not {name for name in imported if name.partition(".")[0] in banned}
    assert not imported & {"hotline.db", "hotline.queue", "hotline.models", "hotline.deployment"}


def test_the_floors_hold() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([program, "--no-cache"], cwd=HOUSE, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
    assert " 0 broken" in run.stdout


def test_the_web_listener_does_not_even_load_the_desk() -> None:
    ask = "import sys, hotline.app.web; print(*[m for m in sys.modules if m.startswith(('hotline.console', 'hotline.sim'))])"
    run = subprocess.run([sys.executable, "-c", ask], cwd=HOUSE, capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def public(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef | ast.ClassDef]]:
    """Yield public functions and classes of a module, and public methods of its public classes."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                for inner in node.body:
                    if isinstance(inner, ast.FunctionDef) and not inner.name.startswith("_"):
                        yield f"{node.name}.{inner.name}", inner
