"""Takes secrets out of text, before it is cut, logged, shown or counted.

Known values (those that the configuration takes from the environment) go wherever they stand, as they are and as an
address writes them; so does what stands after a name that sounds like a secret, and a password before a host's name.
"""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

SHORTEST = 4
"""Shorter values would tear holes into ordinary words; nothing so short is a secret."""
_NAMED = re.compile(
    r"(?i)\b([\w-]*(?:key|token|secret|password|passwd|signature|auth|authorization|bearer|credential)s?)"
    r"((?:%3D|[=:])\s*)(?:(?:bearer|basic)\s+)?([^\s&#'\"<>,;]+)"
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}")
_USERINFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/\s@]*:[^/\s@]*@")


def forms_of(values: Iterable[str]) -> list[str]:
    """Every form in which these secrets may turn up, longest first."""
    forms = {
        form for value in values if len(value) >= SHORTEST for form in (value, quote(value, ""), quote_plus(value))
    }
    return sorted(forms, key=len, reverse=True)


def redact(text: str, secrets: Mapping[str, str]) -> str:
    """The text without the secrets' values, and without what its own words call secret."""
    for form in forms_of(secrets.values()):
        text = text.replace(form, "***")
    text = _USERINFO.sub(r"\1***@", text)
    text = _BEARER.sub(r"\1 ***", text)
    return _NAMED.sub(r"\1\2***", text)
