"""Figures for Prometheus: how the gateway is, never who did what nor what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from gateway.board.house import House
from gateway.board.pins import Lockout
from gateway.board.viewers import Viewers
from gateway.model.clock import NS

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 3.0)
LEVELS = {"ok": 0, "warn": 1, "error": 2}


class Metrics:
    """A registry of the gateway's own, filled from its health when it is asked."""

    def __init__(self, house: House, viewers: Viewers, lockout: Lockout) -> None:
        """Register what is collected."""
        self._registry = CollectorRegistry()
        self._registry.register(_HealthCollector(house, viewers, lockout))
        self._requests = Counter(
            "velgate_http_requests", "Requests answered.", ("method", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "velgate_http_request_seconds",
            "Time to answer, streams not counted.",
            buckets=BUCKETS,
            registry=self._registry,
        )

    def answered(self, method: str, status: int, seconds: float | None) -> None:
        """Count one request; `seconds` is None for a stream."""
        self._requests.labels(
            method if method in {"GET", "POST", "DELETE", "HEAD"} else "other", str(status)
        ).inc()
        if seconds is not None:
            self._seconds.observe(seconds)

    def text(self) -> bytes:
        """Give the exposition text."""
        return generate_latest(self._registry)


class _HealthCollector(Collector):
    def __init__(self, house: House, viewers: Viewers, lockout: Lockout) -> None:
        self._house = house
        self._viewers = viewers
        self._lockout = lockout

    def describe(self) -> Iterable[Metric]:
        return ()  # the house is not asked before somebody looks

    def collect(self) -> Iterator[Metric]:
        health = self._house.health()
        yield _gauge("velgate_level", "0 ok, 1 warn, 2 error.", LEVELS.get(str(health.get("level"))))
        yield _gauge("velgate_uptime_seconds", "Since the start.", health.get("uptime_s"))
        yield _gauge("velgate_clock_synced", "1 where the clock is synced.", health.get("clock") == "synced")
        info = GaugeMetricFamily("velgate_info", "Version.", labels=("version", "gateway"))
        info.add_metric((str(health.get("version")), str(health.get("gateway"))), 1)
        yield info
        adapters = health.get("adapters") or []
        yield _states("velgate_adapter_up", "1 while the radio is up.", adapters, "up")
        yield _column("velgate_adapter_silent_seconds", "Since anything was heard.", adapters, "silent_s")
        rooms = health.get("rooms") or []
        yield _states("velgate_room_running", "1 while a part of the gateway runs.", rooms, "running")
        yield _column("velgate_room_restarts", "Restarts since the start.", rooms, "restarts")
        outlets = health.get("outlets") or []
        yield _states("velgate_outlet_up", "1 while a receiver takes what is sent.", outlets, "up")
        yield _column("velgate_outlet_lag", "Readings that wait to be sent.", outlets, "lag")
        yield _column("velgate_outlet_aside", "Readings a receiver refused for good.", outlets, "aside")
        journal = health.get("journal") or {}
        yield _gauge("velgate_journal_records", "Readings and events kept.", journal.get("records"))
        p99 = journal.get("fsync_p99_ms")
        yield _gauge(
            "velgate_journal_fsync_p99_seconds", "99 % of commits.", p99 / 1000 if p99 is not None else None
        )
        yield _gauge("velgate_disk_free_ratio", "Free share of the disk.", journal.get("disk_free"))
        devices = health.get("devices") or {}
        yield _gauge("velgate_devices_known", "Devices that are set up.", devices.get("known"))
        yield _gauge("velgate_devices_heard", "Devices heard within their time.", devices.get("heard"))
        alerts = GaugeMetricFamily("velgate_alerts_open", "Open alerts.", labels=("handling",))
        for name, value in (health.get("alerts") or {}).items():
            alerts.add_metric((str(name),), value)
        yield alerts
        drivers = health.get("drivers") or {}
        yield _gauge(
            "velgate_drivers_quarantined",
            "Drivers stopped for failing.",
            len(drivers.get("quarantined") or ()),
        )
        yield _gauge("velgate_board_streams", "Open event streams.", len(self._viewers))
        yield _gauge("velgate_board_pages", "Open staff pages.", self._viewers.pages)
        now_s = self._house.clock.now().mono_ns / NS
        yield _gauge(
            "velgate_board_sign_ins_paused",
            "Pairs of person and client that wait.",
            self._lockout.paused(now_s),
        )
        cut = CounterMetricFamily("velgate_board_streams_cut_off", "Clients that were too slow.")
        cut.add_metric((), self._viewers.cut_off)
        yield cut


def _gauge(name: str, text: str, value: float | bool | None) -> GaugeMetricFamily:
    """One figure; none where it cannot be measured, never a good value instead."""
    family = GaugeMetricFamily(name, text)
    if value is not None:
        family.add_metric((), float(value))
    return family


def _states(name: str, text: str, rows: list[dict[str, Any]], good: str) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=("name",))
    for row in rows:
        family.add_metric((str(row["name"]),), float(row.get("state") == good))
    return family


def _column(name: str, text: str, rows: list[dict[str, Any]], key: str) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=("name",))
    for row in rows:
        if row.get(key) is not None:
            family.add_metric((str(row["name"]),), float(row[key]))
    return family
