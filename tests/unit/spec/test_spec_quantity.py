"""Kubernetes quantities as limits."""

import pytest

from postlude.spec.quantity import QuantityError, cpus, size_bytes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("500m", "0.5", id="thousandths"),
        pytest.param("2", "2", id="whole"),
        pytest.param("1.50", "1.5", id="decimal"),
        pytest.param(".25", "0.25", id="no-leading-zero"),
        pytest.param("10", "10", id="trailing-zero-of-a-whole-number-stays"),
        pytest.param("1e1", "10", id="exponent"),
        pytest.param("1m", "0.01", id="the-scheduler-grants-no-less"),
        pytest.param("100001u", "0.101", id="rounded-up-to-thousandths"),
    ],
)
def test_cpus(text: str, expected: str) -> None:
    assert cpus(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("1024", 1024, id="bytes"),
        pytest.param("1Ki", 1024, id="binary"),
        pytest.param("1.5Gi", 3 * 2**29, id="part-of-a-binary"),
        pytest.param("2G", 2 * 10**9, id="decimal"),
        pytest.param("3k", 3000, id="kilo"),
        pytest.param("3K", 3000, id="kilo-as-the-sdk-writes-it"),
        pytest.param("1E", 10**18, id="exa-is-no-exponent"),
        pytest.param("1E3", 1000, id="exponent-is-no-exa"),
        pytest.param("128974848000m", 128974848, id="thousandths-of-a-byte"),
        pytest.param("1500m", 2, id="rounded-up"),
        pytest.param(" 1Mi ", 2**20, id="blanks-around"),
    ],
)
def test_size_bytes(text: str, expected: int) -> None:
    assert size_bytes(text) == expected


@pytest.mark.parametrize(
    "text", ["", "1GB", "1 Gi", "Gi", "1gi", "-1", "+1", "1e999", "0x10", "NaN", "{{$.x}}", "\u0661"]
)
def test_no_quantity(text: str) -> None:
    with pytest.raises(QuantityError) as raised:
        size_bytes(text)
    assert str(raised.value) == (
        f"'{text}' is not a quantity. Write a number, with a suffix where needed: '500m', '2', '1Gi', '2G'"
    )


@pytest.mark.parametrize("text", ["0", "0.0Gi", "0m"])
def test_no_limit_is_zero(text: str) -> None:
    with pytest.raises(QuantityError) as raised:
        cpus(text)
    assert str(raised.value) == f"'{text}' is not above zero. Leave the limit out where there is to be none"
