"""Who drives which run, in SQL. Each call is one statement, so the database says who was first."""

from postlude.ports.lease import Holder, Lease
from postlude.stores.sql import statements
from postlude.stores.sql.database import Database
from postlude.stores.sql.rows import Row, lease_row


class SqlLeases:
    """One lease a run (`ports.lease.Leases`)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, run_id: str) -> Lease | None:
        """See `Leases.find`."""
        with self._database.reading(f"look who drives run '{run_id}'") as transaction:
            found = transaction.select(statements.FIND_LEASE, {"run_id": run_id})
        if not found:
            return None
        holder_id, host, pid, born, renewed_at = found[0]
        return Lease(holder=Holder(id=holder_id, host=host, pid=pid, born=born), renewed_at=renewed_at)

    def take(self, run_id: str, holder: Holder, *, at: float, replacing: Holder | None = None) -> bool:
        """See `Leases.take`."""
        row = lease_row(run_id, holder, at)
        with self._database.writing(f"take the lease of run '{run_id}'", durable=True) as transaction:
            if replacing is None:
                return transaction.change(statements.TAKE_FREE_LEASE, row) == 1
            return transaction.change(statements.TAKE_HELD_LEASE, {**row, "replaced": replacing.id}) == 1

    def renew(self, run_id: str, holder: Holder, *, at: float) -> bool:
        """See `Leases.renew`."""
        row: Row = {"run_id": run_id, "holder_id": holder.id, "renewed_at": at}
        with self._database.writing(f"renew the lease of run '{run_id}'", durable=True) as transaction:
            return transaction.change(statements.RENEW_LEASE, row) == 1

    def release(self, run_id: str, holder: Holder) -> None:
        """See `Leases.release`."""
        with self._database.writing(f"release run '{run_id}'", durable=True) as transaction:
            transaction.change(statements.RELEASE_LEASE, {"run_id": run_id, "holder_id": holder.id})
