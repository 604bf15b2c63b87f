"""The process that imports one schedule: reads its order as JSON from stdin, tells its progress as JSON lines."""

import json
import sys
from pathlib import Path

import msgspec

from domain.errors import NotThisFormat
from feeds.schedule import build


def main() -> int:
    """Import what stdin orders; 0 when a bundle is there, 1 when the schedule was refused."""
    order = json.loads(sys.stdin.readline())

    def say(**values: object) -> None:
        sys.stdout.write(msgspec.json.encode(values).decode() + "\n")
        sys.stdout.flush()

    try:
        imported = build(
            Path(order["zip"]),
            feed_id=order["feed_id"],
            home=Path(order["home"]),
            agency_codes=tuple((raw, code) for raw, code in order["agency_codes"]),
            source=order["source"],
            imported_epoch_s=order["imported_epoch_s"],
            progress=lambda step, share: say(step=step, share=share),
        )
    except NotThisFormat as error:
        say(refused=str(error))
        return 1
    say(imported=imported)
    return 0


if __name__ == "__main__":
    sys.exit(main())
