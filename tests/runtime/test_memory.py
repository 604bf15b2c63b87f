"""Freed memory goes back to the system."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource
from runtime.memory import give_back_what_is_freed

give_back_what_is_freed()


def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


for _ in range(5):
    bytearray(8_000_000)
before = faults()
bytearray(8_000_000)
print(faults() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc")
def test_a_large_block_has_pages_of_its_own_each_time() -> None:
    """However many of its size were freed before, new pages are asked for: the old ones went back."""
    if "glibc" not in _libc():
        pytest.skip("another C library")
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert int(ran.stdout) > 1


def _libc() -> str:
    import platform

    return platform.libc_ver()[0]


def test_what_is_loaded_is_not_looked_through_again() -> None:
    """What comes later is still collected."""
    script = """
import gc, weakref
from runtime.memory import pass_over_what_is_loaded
class Ring: pass
pass_over_what_is_loaded()
assert gc.get_freeze_count() > 1000
assert len(gc.get_objects()) < 100
ring = Ring()
ring.itself = ring
gone = weakref.ref(ring)
del ring
gc.collect()
assert gone() is None
"""
    subprocess.run([sys.executable, "-c", script], check=True)
