"""Saves steps of one run and prints each step's number once it is stored: `writer_process.py URL RUN_ID STEPS`."""

import sys

from postlude.ports.journal import RunRecord, Save
from postlude.stores.sql import open_store


def main(url: str, run_id: str, steps: int) -> None:
    store = open_store(url)
    store.journal.begin(
        RunRecord(run_id=run_id, name="", pipeline="p", ir_digest="d", ir=({}, None), settings={}, created_at=1.0)
    )
    for number in range(steps):
        store.journal.append(
            Save(
                run_id=run_id,
                events=[number],
                first=number,
                run={"run_id": run_id, "step": number},
                tasks=[{"path": path, "order": order, "step": number} for order, path in enumerate("ab")],
                durable=number % 7 == 0,
            )
        )
        print(number, flush=True)
    store.close()


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
