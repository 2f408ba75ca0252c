"""The layers of docs/architecture.md, held by a test: imports run one way."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = {
    "app", "agents", "agents_impl", "agent_core", "queue_imp", "store", "reins",
}  # fmt: skip
MAY_KNOW = {
    "app": {"agents", "agent_core", "store", "reins"},
    "agents": {"agent_core", "store", "reins"},
    "agents_impl": {"agent_core", "store", "reins"},
    "agent_core": {"queue_imp", "store", "reins"},
    "queue_imp": {"agent_core", "store", "reins"},
    "store": {"reins"},
    "reins": {"app", "agents", "agent_core", "queue_imp", "store"},
}
ONLY_IN = {
    "lancedb": {"store"},
    "sqlite3": {"store"},
    "pyarrow": {"store"},
    "pandas": {"store"},
    "flask": {"reins"},
    "baml_py": {"reins"},
    "opentelemetry": {"reins"},
}


def imports_of(path: Path) -> set[str]:
    """Top-level names that a file imports, wherever in it; type-checking blocks count too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add((node.module or "").split(".")[0])
    return names


def files_of(layer: str) -> list[Path]:
    folder = ROOT / layer
    if not folder.is_dir():
        return [ROOT / f"{layer}.py"]
    return [file for file in sorted(folder.rglob("*.py")) if "node_modules" not in file.parts]


@pytest.mark.parametrize("layer", sorted(OURS))
def test_a_layer_imports_only_what_is_below_it(layer):
    """Every import of ours from `layer` is one that its row of the table allows."""
    files = files_of(layer)
    assert files, f"layer {layer} has no files"
    for path in files:
        wrong = (imports_of(path) & OURS) - MAY_KNOW[layer] - {layer}
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}, which {layer} may not know"


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_a_library_stays_in_its_layer(library):
    """LanceDB stays in store, Flask in the web, BAML in llm."""
    for layer in OURS - ONLY_IN[library]:
        for path in files_of(layer):
            assert library not in imports_of(path), (
                f"{path.relative_to(ROOT)} imports {library}; it belongs to {ONLY_IN[library]}"
            )
