"""What goes wrong with a bucket, in one line that people can act on and that holds no secret.

The library's own texts quote requests, whose URLs may be signed: only what is known to be harmless is taken from them.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from postlude.ports.artifacts import TransferError

_CODE: Final = re.compile(r"<Code>(\w{1,60})</Code>")
_STATUS: Final = re.compile(r"\bstatus(?: code)?:? (\d{3})\b|\b([45]\d\d) [A-Z][a-z]+")

_KINDS: Final = {
    "NotFoundError": "there is no such bucket, or the object is gone",
    "PermissionDeniedError": "access is denied: look at the credentials in the environment, and at what they may do",
    "UnauthenticatedError": "the credentials are not accepted: look at those in the environment",
    "PreconditionError": "somebody else is changing it",
}
_SIGNS: Final = (
    (
        re.compile(r"NoSuchBucket|ContainerNotFound|specified (?:bucket|container) does not exist", re.IGNORECASE),
        _KINDS["NotFoundError"],
    ),
    (
        re.compile(r"InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|AuthenticationFailed|AuthorizationFailure"),
        _KINDS["UnauthenticatedError"],
    ),
    (
        re.compile(r"169\.254\.169\.254|metadata\.google|credential", re.IGNORECASE),
        "no credentials were found in the environment (AWS_…, GOOGLE_… or AZURE_…)",
    ),
    (re.compile(r"refused", re.IGNORECASE), "the server refuses connections: look at the endpoint"),
    (re.compile(r"dns|lookup|resolve", re.IGNORECASE), "the server's name cannot be found: look at the endpoint"),
    (re.compile(r"timed out|deadline has elapsed", re.IGNORECASE), "the server does not answer in time"),
)


@contextmanager
def told_plainly(uri: str) -> Iterator[None]:
    """Turn the errors of the library into `TransferError`."""
    from obstore.exceptions import BaseError  # noqa: PLC0415 - only those who use buckets have it

    try:
        yield
    except BaseError as fault:
        raise TransferError(f"{uri}: {reason(fault)}") from None


def reason(fault: Exception) -> str:
    """Why, in words of ours; with the provider's error code, where there is one."""
    text, kind = str(fault), type(fault).__name__
    code = _CODE.search(text)
    suffix = f" ({code[1]})" if code else ""
    if kind in _KINDS:
        return _KINDS[kind] + suffix
    for sign, words in _SIGNS:
        if sign.search(text):
            return words + suffix
    status = _STATUS.search(text)
    answered = f"the server answers with {status[1] or status[2]}" if status else "the transfer failed"
    return answered + suffix
