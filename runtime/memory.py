"""How freed memory goes back to the system, which by glibc's rules it mostly does not, and what need not be looked through."""

import ctypes
import gc

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""Source: mallopt(3)."""
LARGE_BYTES = 2 * 1024**2
"""Ticks as they come and whole lists: each gets pages of its own, which go back when it is freed. From half a MiB on, new pages for
every column would cost a web process 6 ms a tick."""
SLACK_BYTES = 4 * 1024**2


def give_back_what_is_freed() -> None:
    """For processes that replace megabytes every few seconds: large blocks do not leave holes among small ones.

    Without it, glibc raises the size from which a block has pages of its own to that of the largest ever freed. Does nothing
    under another C library.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    for parameter, value in ((M_ARENA_MAX, 1), (M_MMAP_THRESHOLD, LARGE_BYTES), (M_TRIM_THRESHOLD, SLACK_BYTES)):
        mallopt(parameter, value)


def pass_over_what_is_loaded() -> None:
    """For processes that must not stand still: everything that is there now is there to the end, so the collector of cyclic
    garbage need not look through it.

    A web process has 60,000 objects of its program; to look through them takes it 20 ms, once in some hundred ticks, while no
    request is answered.
    """
    gc.collect()
    gc.freeze()
