"""What users install: the wheel, in a new environment, with its declared dependencies and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.xdist_group("alone")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT]
    done = subprocess.run(pip, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr
    (built,) = folder.iterdir()
    return built


@pytest.mark.timeout(300)
def test_the_wheel_carries_the_package_its_types_and_its_licence(wheel: Path):
    names = zipfile.ZipFile(wheel).namelist()
    assert "fanout/py.typed" in names
    assert any(name.endswith("LICENSE") for name in names)
    wanted = {
        str(path.relative_to(ROOT / "src")) for path in (ROOT / "src" / "fanout").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }  # fmt: skip
    assert wanted <= set(names), "pages and other data files travel with the code"
    assert not [name for name in names if not name.startswith(("fanout/", "fanout_live-"))]


@pytest.mark.timeout(300)
def test_an_installed_wheel_gives_a_working_command_and_library(wheel: Path, tmp_path: Path):
    """Installed for real, without the extras; so a dependency that only an extra brings would be missed here."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True, timeout=110)
    programs = tmp_path / "venv" / "bin"
    pip = [programs / "pip", "install", "--quiet", "--disable-pip-version-check", wheel]
    subprocess.run(pip, check=True, timeout=250)
    version = subprocess.run([programs / "fanout", "version"], capture_output=True, text=True, timeout=60)
    assert (version.returncode, version.stdout.split()[0]) == (0, "fanout"), version.stderr
    code = "import fanout, fanout.client, fanout.server.server; print(fanout.open_engine.__name__)"
    library = subprocess.run(
        [programs / "python", "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert library.stdout.strip() == "open_engine", library.stderr
