"""Logs as ``event=… key=value`` lines (or JSON), with every secret taken out, whoever wrote the line."""

import json
import logging
from collections.abc import Mapping

from runtime.redaction import redact


class Redacting(logging.Formatter):
    """Formats a record as one line and removes secrets from it."""

    def __init__(self, secrets: Mapping[str, str], *, as_json: bool, process: str) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")
        self._secrets = dict(secrets)
        self._as_json = as_json
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if self._as_json:
            text = json.dumps({"at": record.created, "level": record.levelname, "process": self._process,
                               "logger": record.name, "message": record.getMessage()})  # fmt: skip
        return redact(text, self._secrets)


def set_up(*, level: str, as_json: bool, secrets: Mapping[str, str], process: str) -> None:
    """Send every logger's lines to stderr through one redacting formatter; libraries only when they warn."""
    handler = logging.StreamHandler()
    handler.setFormatter(Redacting(secrets, as_json=as_json, process=process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("wayside").setLevel(level.upper() if level.upper() in logging.getLevelNamesMapping() else "INFO")
