"""The thread that writes: what goes wrong in it is told, and nobody waits for ever."""

import pytest

from zokusei.errors import DataError
from zokusei.inference.collection import Behind


def refuse(job):
    raise DataError(f"no {job}")


def test_a_job_that_cannot_be_done_is_told_and_the_others_go_on():
    done, failed = [], []

    def work(job):
        if job % 3 == 0:
            raise DataError(f"no {job}")
        done.append(job)

    with Behind(work, lambda job, error: failed.append((job, str(error)))) as behind:
        for job in range(100):
            behind.put(job)
    assert done == [job for job in range(100) if job % 3]
    assert failed == [(job, f"no {job}") for job in range(0, 100, 3)]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("jobs", [1, 100])
def test_where_telling_fails_the_work_ends_with_that(jobs):
    """As where standard error was closed: more jobs than may wait would block without a reader."""

    def tell(job, error):
        raise BrokenPipeError("closed")

    def work_through():
        with Behind(refuse, tell) as behind:
            for job in range(jobs):
                behind.put(job)

    with pytest.raises(BrokenPipeError, match="closed"):
        work_through()
