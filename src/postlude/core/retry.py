"""What follows a failed attempt."""

from postlude.spec.types import Retry


def wait_s(retry: Retry, attempt: int) -> float | None:
    """Seconds to wait before the attempt after `attempt`, or None where no further one is allowed.

    Args:
        retry: The task's policy.
        attempt: The attempt that failed, from 1.
    """
    if attempt > retry.limit:
        return None
    try:
        wait = retry.backoff_s * retry.factor ** (attempt - 1)
    except OverflowError:
        return retry.backoff_max_s if retry.backoff_s else 0.0
    return min(wait, retry.backoff_max_s)
