"""What our own warnings say where the feed brings only figures: one file a language, named by its tag; English first."""

import json
from functools import cache
from importlib import resources

DEFAULT = "en"


@cache
def catalogues() -> dict[str, dict[str, str]]:
    """Language tag to its words, in the order in which a warning has them."""
    files = (file for file in resources.files(__name__).iterdir() if file.name.endswith(".json"))
    found = {file.name.removesuffix(".json"): json.loads(file.read_text("utf-8")) for file in files}
    return {tag: found[tag] for tag in sorted(found, key=lambda tag: (tag != DEFAULT, tag))}
