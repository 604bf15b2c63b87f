"""What the environment says of a deployment; it goes before the file."""

from pathlib import Path
from typing import Any

from runtime.configuration.reader import Faults
from runtime.embedded_address import embedded_url

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
REDIS_SCHEMES = ("redis://", "rediss://", "unix://", "redis+cluster://", "rediss+cluster://")


def read_environment(faults: Faults, said: dict[str, Any]) -> dict[str, Any]:
    """Fields of Settings; *said* is what the file said of them. Faults that would otherwise show themselves late are told."""
    environment = faults.environment
    redis_url = environment.get("REDIS_URL", "").strip()
    if redis_url and not redis_url.startswith(REDIS_SCHEMES):
        faults.add_of_environment("REDIS_URL", f"an address that starts with {', '.join(REDIS_SCHEMES)}", redis_url)
    level = environment.get("WAYSIDE_LOG_LEVEL", "")
    if level and level.upper() not in LOG_LEVELS:
        faults.add_of_environment("WAYSIDE_LOG_LEVEL", f"one of {', '.join(LOG_LEVELS)}", level)
    if environment.get("WAYSIDE_LOG_FORMAT", "") not in {"", "text", "json"}:
        faults.add_of_environment("WAYSIDE_LOG_FORMAT", "text or json", environment["WAYSIDE_LOG_FORMAT"])
    offset = environment.get("WAYSIDE_CLOCK_OFFSET_S", "").strip()
    try:
        finite = not offset or abs(float(offset)) < 1e11
    except ValueError:
        finite = False
    if not finite:
        faults.add_of_environment("WAYSIDE_CLOCK_OFFSET_S", "a number of seconds", offset)
    home = Path(environment.get("WAYSIDE_HOME") or "var").absolute()
    return {
        "home": home,
        "redis_url": redis_url or embedded_url(home),
        "redis_is_embedded": not redis_url,
        "host": environment.get("WAYSIDE_HOST") or said["host"],
        "port": _number(faults, "WAYSIDE_PORT", said["port"], 0, 65535),
        "web_processes": _number(faults, "WAYSIDE_WEB_PROCESSES", said["web_processes"], 1, 64),
    }


def _number(faults: Faults, name: str, default: int, least: int, most: int) -> int:
    text = faults.environment.get(name, "").strip()
    if not text:
        return default
    if not text.isdigit() or not least <= int(text) <= most:
        faults.add_of_environment(name, f"a whole number from {least} to {most}", text)
        return default
    return int(text)
