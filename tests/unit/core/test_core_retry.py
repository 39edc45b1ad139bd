"""What follows a failed attempt."""

import pytest

from postlude.core.retry import wait_s
from postlude.spec.types import Retry

GROWING = Retry(limit=5, backoff_s=2.0, factor=3.0, backoff_max_s=50.0)
ENDLESS = Retry(limit=100_000, backoff_s=1.0, factor=2.0, backoff_max_s=60.0)


@pytest.mark.parametrize(
    ("retry", "attempt", "wait"),
    [
        pytest.param(Retry(), 1, None, id="no policy, no retry"),
        pytest.param(GROWING, 1, 2.0, id="first wait"),
        pytest.param(GROWING, 3, 18.0, id="each wait is the factor times the one before"),
        pytest.param(GROWING, 4, 50.0, id="no wait is longer than the longest"),
        pytest.param(GROWING, 5, 50.0, id="the last retry"),
        pytest.param(GROWING, 6, None, id="used up"),
        pytest.param(ENDLESS, 99_999, 60.0, id="a wait too long for a float"),
        pytest.param(Retry(limit=100_000, factor=2.0), 99_999, 0.0, id="no wait stays none"),
        pytest.param(Retry(limit=2, backoff_s=90.0, backoff_max_s=60.0), 1, 60.0, id="the first wait is limited too"),
        pytest.param(Retry(limit=3, backoff_s=4.0, factor=1.0), 3, 4.0, id="a factor of one"),
    ],
)
def test_wait_s(retry: Retry, attempt: int, wait: float | None) -> None:
    assert wait_s(retry, attempt) == wait
