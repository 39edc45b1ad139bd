"""One of several processes that want the same thing at once: `contender_process.py URL ACTION NAME`.

It says "ready", waits for the end of its input, acts, and prints one JSON value.
"""

import json
import sys
from collections.abc import Callable

from postlude.ports.lease import Holder
from postlude.spec.types import Json
from postlude.stores.sql import open_store
from postlude.stores.store import Store

DEAD = Holder(id="dead", host="h", pid=1)
POSTED = 25


def take(store: Store, name: str) -> Json:
    return store.leases.take("r", Holder(id=name, host="h", pid=2), at=2.0)


def take_over(store: Store, name: str) -> Json:
    return store.leases.take("r", Holder(id=name, host="h", pid=2), at=2.0, replacing=DEAD)


def post(store: Store, name: str) -> Json:
    for number in range(POSTED):
        store.mailbox.post("r", [name, number])


def collect(store: Store, name: str) -> Json:
    return [message for _ in range(40) for message in store.mailbox.collect("r")]


ACTIONS: dict[str, Callable[[Store, str], Json]] = {
    "take": take,
    "take_over": take_over,
    "post": post,
    "collect": collect,
}


def main(url: str, action: str, name: str) -> None:
    store = open_store(url)
    print("ready", flush=True)
    sys.stdin.read()
    print(json.dumps(ACTIONS[action](store, name)))
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
