"""Our plain top-level names must not fight those of another distribution in the same environment."""

import tomllib
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_each_top_level_name_belongs_only_to_this_distribution() -> None:
    """No installed distribution but ours claims a package of ours."""
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]
    names = [pattern.removesuffix("*") for pattern in found["include"]]
    owners = packages_distributions()
    assert {name: sorted(set(owners.get(name, ["wayside"]))) for name in names} == {name: ["wayside"] for name in names}


def test_every_package_with_code_is_packaged() -> None:
    """A package that the wheel leaves out would import only from a checkout."""
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]
    packaged = {pattern.removesuffix("*") for pattern in found["include"]}
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert folders - packaged == {"tests", "bench"}
    assert distribution("wayside").version
