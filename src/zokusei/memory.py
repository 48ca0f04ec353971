"""What Python and the C library do with memory that is free again."""

import ctypes
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # of mallopt, as glibc's malloc.h numbers them
_CHOSEN_BY_THE_USER = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_MAX_", "GLIBC_TUNABLES")


def keep_freed_memory() -> bool:
    """Let this process keep memory that it has freed, for what it allocates next.

    A network on a processor allocates its activations anew at each pass. glibc gives blocks of
    more than 32 MB back to the system each time, and the system fills every page of the next one
    with zeros, which can take longer than the network (benchmarks/memory.py). The memory that a
    process takes at most stays the same; it has it until it ends. The command line calls this; in
    a program of yours it is yours to call, before the first pass.

    Returns:
        Whether it was done: on Linux with glibc, unless the environment sets its malloc.

    >>> keep_freed_memory() in (True, False)
    True
    """
    if not _is_glibc() or any(name in os.environ for name in _CHOSEN_BY_THE_USER):
        return False
    mallopt = ctypes.CDLL(None).mallopt
    # No block of its own for large ones, and -1: nothing is trimmed off the end.
    return bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, -1))


def give_back_memory() -> bool:
    """Let the system have what this process has freed and keeps, as after a model was dropped.

    Returns:
        Whether there was something, which only glibc can be asked to give back.

    >>> give_back_memory() in (True, False)
    True
    """
    return _is_glibc() and bool(ctypes.CDLL(None).malloc_trim(0))


@contextmanager
def setting_up() -> Iterator[None]:
    """Let Python make what a command needs to the end without looking for garbage meanwhile.

    Each time some hundred objects were made it looks through them, and now and then through all,
    which takes a sixth of the seconds until the first tag, in which torch is imported and a network
    loaded (`first result` in benchmarks/results/tagging.csv), and time at the end of the process
    once more. Here it waits, and leaves what was made alone from then on. A
    command whose network is to last as long as the process calls this; in a program of yours that
    would keep garbage of yours, too.

    >>> with setting_up():
    ...     gc.isenabled()
    False
    >>> gc.isenabled()
    True
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if before:
            gc.enable()


def _is_glibc() -> bool:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (AttributeError, ValueError, OSError):  # Windows; macOS; other libraries
        return False
