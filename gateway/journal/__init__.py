"""The one durable thing, in two files: alarms and readings."""

from gateway.journal.alarm_store import AlarmStore
from gateway.journal.alarm_writer import Commit
from gateway.journal.errors import NotDurable
from gateway.journal.journal import Journal
from gateway.journal.ledger import Ledger
from gateway.journal.reading_store import Batch, ReadingStore

__all__ = ["AlarmStore", "Batch", "Commit", "Journal", "Ledger", "NotDurable", "ReadingStore"]
