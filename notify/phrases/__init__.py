"""The fixed words of notifications: one file a language, named by its tag. English has every word there is."""

import json
from functools import cache
from importlib import resources
from typing import Any

DEFAULT = "en"


@cache
def catalogues() -> dict[str, dict[str, Any]]:
    """Language tag to its words."""
    files = (file for file in resources.files(__name__).iterdir() if file.name.endswith(".json"))
    return {file.name.removesuffix(".json"): json.loads(file.read_text("utf-8")) for file in files}
