"""The systemd side: hardened without breaking what the gateway must do, and an installer that can be read."""

from __future__ import annotations

import os
import re
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "systemd"
EXPOSURE_MAX = 3.0


def options(name: str) -> dict[str, str]:
    """The keys of a unit file; of one that stands twice, the last."""
    lines = (UNITS / name).read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def test_exposure() -> None:
    """`systemd-analyze security` judges the unit, at 3.0 or better."""
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNITS / "velgate.service")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    level = re.search(r"Overall exposure level for velgate\.service: ([\d.]+)", done.stdout)
    assert level is not None, done.stderr
    assert float(level[1]) <= EXPOSURE_MAX


@pytest.mark.parametrize("name", ["velgate.service", "velgate-kiosk.service"])
def test_units_are_understood(name: str) -> None:
    """systemd finds nothing to complain of but programs that are not installed here."""
    done = subprocess.run(
        ["systemd-analyze", "verify", "--no-pager", str(UNITS / name)],
        capture_output=True,
        text=True,
        check=False,
    )
    complaints = [
        line for line in done.stderr.splitlines() if name in line and "is not executable" not in line
    ]
    assert complaints == []


def test_it_is_started_again_without_limit() -> None:
    """systemd must never give up; the watchdog leaves time for three canaries; stopping takes under 10 s."""
    unit = options("velgate.service")
    assert unit["Restart"] == "always"
    assert unit["RestartSec"] == "500ms"
    assert unit["StartLimitIntervalSec"] == "0"
    assert (unit["Type"], unit["NotifyAccess"]) == ("notify", "main")
    assert unit["WatchdogSec"] == "30s"
    assert int(unit["TimeoutStopSec"].removesuffix("s")) > 10
    assert unit["ExecStart"].endswith("velgate run --config /etc/velgate --state /var/lib/velgate")


def test_what_hardening_must_leave_alone() -> None:
    """The clock may be asked, the boot's id read, D-Bus and the network used; its own state written."""
    unit = options("velgate.service")
    assert "ProtectClock" not in unit
    assert "adjtimex" in unit["SystemCallFilter"]
    assert "ProcSubset" not in unit
    assert set(unit["RestrictAddressFamilies"].split()) == {"AF_UNIX", "AF_INET", "AF_INET6"}
    assert unit["StateDirectory"] == "velgate"
    assert unit["ProtectSystem"] == "strict"
    assert unit["CapabilityBoundingSet"] == ""


def test_accounts_and_folders() -> None:
    """One user without a shell; configuration and state are its own, and secrets its own alone."""
    sysusers = [line for line in (UNITS / "velgate.sysusers").read_text().splitlines() if line[:1] != "#"]
    assert sysusers == ['u velgate - "Velgate gateway" /var/lib/velgate /usr/sbin/nologin']
    tmpfiles = [line for line in (UNITS / "velgate.tmpfiles").read_text().splitlines() if line[:1] != "#"]
    assert "d /etc/velgate 0750 velgate velgate -" in tmpfiles
    assert "d /var/lib/velgate 0750 velgate velgate -" in tmpfiles
    assert "z /etc/velgate/secrets.toml 0600 velgate velgate -" in tmpfiles


def test_accounts_are_understood(tmp_path: Path) -> None:
    """systemd itself makes the user, in a root of its own."""
    (tmp_path / "etc").mkdir()
    for name in ("velgate", "velgate-kiosk"):
        command = ["systemd-sysusers", f"--root={tmp_path}", "--replace=/usr/lib/sysusers.d/x.conf", "-"]
        text = (UNITS / f"{name}.sysusers").read_text(encoding="utf-8")
        subprocess.run(command, input=text, text=True, check=True, capture_output=True)
    made = (tmp_path / "etc/passwd").read_text(encoding="utf-8")
    assert re.search(
        r"^velgate:x:\d+:\d+:Velgate gateway:/var/lib/velgate:/usr/sbin/nologin$", made, re.MULTILINE
    )
    assert "velgate-kiosk:" in made


def test_bluetooth_is_allowed_to_one_user() -> None:
    """The D-Bus policy opens org.bluez to the gateway's user, and nothing to anybody else."""
    policies = ET.parse(UNITS / "velgate-dbus.conf").getroot().findall("policy")  # noqa: S314  (our own file)
    assert [policy.attrib for policy in policies] == [{"user": "velgate"}]
    allowed = [rule.attrib for rule in policies[0]]
    assert {"send_destination": "org.bluez"} in allowed
    assert all("org.bluez" in rule.values() for rule in allowed)


def test_the_wall_screen_sounds_and_shows_nothing_else() -> None:
    """Kiosk, sound without a touch, its enrolment kept."""
    start = options("velgate-kiosk.service")["ExecStart"]
    for flag in (
        "--kiosk",
        "--autoplay-policy=no-user-gesture-required",
        "--user-data-dir=/var/lib/velgate-kiosk",
    ):
        assert flag in start
    assert options("velgate-kiosk.service")["Restart"] == "always"


def installer(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installer; only ever with options that change nothing."""
    assert set(arguments) & {"--dry-run", "--help", "--bogus"}
    script = str(UNITS / "install.sh")
    return subprocess.run(["bash", script, *arguments], capture_output=True, text=True, check=False)


def test_the_installer_reads_well() -> None:
    """It parses, is executable, explains itself, and refuses what it does not know."""
    assert subprocess.run(["bash", "-n", str(UNITS / "install.sh")], check=False).returncode == 0
    assert os.access(UNITS / "install.sh", os.X_OK)
    told = installer("--help")
    assert told.returncode == 0
    assert "sudo systemd/install.sh" in told.stdout
    assert installer("--bogus").returncode == 1


def test_a_dry_run_says_what_would_be_done() -> None:
    """Every file it would install is there, and nothing is claimed to be done."""
    told = installer("--dry-run", "--kiosk").stderr
    files = re.findall(r"would run: install -D -m 644 (\S+) (\S+)", told)
    assert len(files) == 6
    assert all(Path(source).is_file() for source, _ in files)
    assert "would run: systemctl restart velgate" in told
    assert "Velgate runs" not in told
    assert not Path("/opt/velgate").exists() or "would install" in told
