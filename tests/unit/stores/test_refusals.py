"""What a bucket's refusal is called: one line of our own words, with nothing of the request in it."""

import pytest
from obstore.exceptions import GenericError, NotFoundError, PermissionDeniedError, UnauthenticatedError

from postlude.ports.artifacts import TransferError
from postlude.stores.artifacts.refusals import told_plainly

SIGNED = "GET https://host/c/x?sig=s3cr3t&retry_timeout: 120s Authorization: s3cr3t\n\nDebug source: s3cr3t "


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (NotFoundError(SIGNED), "there is no such bucket, or the object is gone"),
        (
            PermissionDeniedError(f"{SIGNED}<Code>AccessDenied</Code>"),
            "access is denied: look at the credentials in the environment, and at what they may do (AccessDenied)",
        ),
        (UnauthenticatedError(SIGNED), "the credentials are not accepted: look at those in the environment"),
        (
            GenericError(f"{SIGNED}403 Forbidden <Code>SignatureDoesNotMatch</Code>"),
            "the credentials are not accepted: look at those in the environment (SignatureDoesNotMatch)",
        ),
        (
            GenericError(f"{SIGNED}GET http://169.254.169.254/latest"),
            "no credentials were found in the environment (AWS_…, GOOGLE_… or AZURE_…)",
        ),
        (GenericError(f"{SIGNED}Connection refused"), "the server refuses connections: look at the endpoint"),
        (GenericError(f"{SIGNED}dns error"), "the server's name cannot be found: look at the endpoint"),
        (GenericError(f"{SIGNED}operation timed out"), "the server does not answer in time"),
        (GenericError(f"{SIGNED}503 Slow Down"), "the server answers with 503"),
        (GenericError(SIGNED), "the transfer failed"),
    ],
)
def test_a_refusal_is_told_plainly(fault: Exception, words: str) -> None:
    with pytest.raises(TransferError) as told, told_plainly("s3://b/x"):
        raise fault
    assert str(told.value) == f"s3://b/x: {words}"
