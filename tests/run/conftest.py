"""The runs of these tests are counted with those of the faults."""

from tests.faults.conftest import ledger

__all__ = ["ledger"]
