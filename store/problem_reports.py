"""What riders reported: one stream, the newest some thousands, for three months."""

from domain.errors import BlobUnusable
from domain.problem_report import ProblemReport
from store import codec, keys
from store.hall import Hall

KEPT = 20_000
KEPT_S = 90 * 86_400


async def add(hall: Hall, report: ProblemReport) -> None:
    """Keep the report; what is older than three months is forgotten with it."""
    at_ms = report.reported_epoch_s * 1000
    async with hall.redis.pipeline(transaction=False) as pipe:
        pipe.xadd(keys.problem_reports(), {"report": codec.encode(report)}, maxlen=KEPT, approximate=True)
        pipe.xtrim(keys.problem_reports(), minid=f"{max(0, at_ms - KEPT_S * 1000)}-0", approximate=True)
        await pipe.execute()


async def about(hall: Hall, kind: str, subject_id: str, most: int) -> list[ProblemReport]:
    """Reports about that stop or trip, the newest first."""
    found = []
    for _, fields in await hall.redis.xrevrange(keys.problem_reports()):
        try:
            report = codec.decode(fields[b"report"], ProblemReport)
        except (BlobUnusable, KeyError):
            continue
        if report.kind == kind and report.subject_id == subject_id:
            found.append(report)
            if len(found) >= most:
                break
    return found
