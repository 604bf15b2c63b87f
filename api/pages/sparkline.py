"""The last polls of a feed as a picture: one bar a poll, as tall as it took long, coloured by how it ended."""

from markupsafe import Markup, escape

from domain.feed import GOOD_OUTCOMES, PollOutcome, PollRecord

BARS = 60
WIDTH, HEIGHT, GAP = 240, 48, 1


def sparkline(history: tuple[PollRecord, ...], label: str) -> Markup:
    """An SVG of the newest polls, oldest left; failures stand full height, so they are seen without colour too."""
    polls = history[-BARS:]
    longest_s = max((poll.duration_s for poll in polls), default=0.0) or 1.0
    step = WIDTH / BARS
    bars = []
    for number, poll in enumerate(polls, BARS - len(polls)):
        good = poll.outcome in GOOD_OUTCOMES
        tall = HEIGHT if not good else max(4.0, poll.duration_s / longest_s * HEIGHT * 0.6)
        kind = "wrong" if not good else "fine" if poll.outcome is PollOutcome.OK_NEW else "same"
        bars.append(
            f'<rect class="{kind}" x="{number * step:.1f}" y="{HEIGHT - tall:.1f}" width="{step - GAP:.1f}" '
            f'height="{tall:.1f}"/>'
        )
    return Markup(  # noqa: S704  # numbers of our own, and an escaped label
        f'<svg class="spark" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(label)}">{"".join(bars)}</svg>'
    )
