"""What running attempts hold of the machine. One thread takes and gives back; any thread may ask."""

from postlude.core.demand import Demand
from postlude.core.task import TaskPath
from postlude.engines.local.admission import Amounts, Offer, amounts

_Key = tuple[TaskPath, int]


class Holdings:
    """The machine's ledger: what is free, and which accelerators belong to whom."""

    def __init__(self, offer: Offer) -> None:
        self.free: Amounts = offer.amounts
        self._idle = list(offer.devices)
        self._held: dict[_Key, tuple[Demand, tuple[str, ...]]] = {}

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, key: _Key) -> bool:
        return key in self._held

    def holders(self) -> tuple[_Key, ...]:
        """Who holds something, a worker at least: path and attempt."""
        return tuple(self._held)

    def take(self, key: _Key, demand: Demand) -> None:
        """Give an attempt what it asks for, which must be free."""
        devices, self._idle = tuple(self._idle[: demand.devices]), self._idle[demand.devices :]
        self._held[key] = (demand, devices)
        self._change(amounts(demand), -1)

    def give_back(self, key: _Key) -> None:
        """Free what an attempt held; nothing, where it held nothing."""
        demand, devices = self._held.pop(key, (Demand(), ()))
        self._idle = sorted([*devices, *self._idle], key=_in_order)
        self._change(amounts(demand), +1)

    def devices(self, key: _Key) -> tuple[str, ...]:
        """The accelerators that an attempt holds."""
        return self._held.get(key, (Demand(), ()))[1]

    def _change(self, by: Amounts, sign: int) -> None:
        cpu, memory, devices = (left + sign * amount for left, amount in zip(self.free, by, strict=True))
        self.free = (cpu, memory, devices)


def _in_order(device: str) -> tuple[int, str]:
    return (int(device) if device.isdecimal() else -1, device)
