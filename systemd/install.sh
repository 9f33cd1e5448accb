#!/usr/bin/env bash
# Install or update Velgate on this machine. Read it first: it is meant to be read.
#
#   sudo systemd/install.sh                  from the checkout it lies in
#   sudo systemd/install.sh --from FILE.whl  from a wheel
#   sudo systemd/install.sh --kiosk          the wall screen's unit too
#   sudo systemd/install.sh --no-start       everything but starting
#   systemd/install.sh --dry-run             say what would be done, do nothing
#
# It may be run again at any time. What it makes:
#   /opt/velgate/DATE           a virtual environment a run; `current` points at the newest, the one before stays
#   /usr/local/bin/velgate      the command
#   /etc/velgate                the configuration; one that is there is never touched
#   /var/lib/velgate            the journal; never touched
#   /etc/systemd/system, /etc/dbus-1/system.d, /usr/lib/sysusers.d, /usr/lib/tmpfiles.d   one file each
# To take back an update:  sudo ln -sfn /opt/velgate/OLDER /opt/velgate/current && sudo systemctl restart velgate

set -euo pipefail
umask 022

HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
FROM=$(dirname -- "$HERE")
PROGRAM=/opt/velgate
CONFIG=/etc/velgate
STATE=/var/lib/velgate
KEEP=2 # environments that stay: the one in use and the one before
DRY=no
START=yes
KIOSK=no

say() { printf '%s\n' "$*" >&2; }
fail() {
  say "install.sh: $1"
  say "  do  $2"
  exit 1
}
did() { [ "$DRY" = yes ] || say "$*"; }
run() {
  if [ "$DRY" = yes ]; then say "would run: $*"; else "$@"; fi
}
usage() { sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }

while [ $# -gt 0 ]; do
  case $1 in
    --from)
      [ $# -ge 2 ] || fail "--from needs a wheel or a checkout" "systemd/install.sh --from velgate-1.0.0-py3-none-any.whl"
      FROM=$2
      shift
      ;;
    --kiosk) KIOSK=yes ;;
    --no-start) START=no ;;
    --dry-run) DRY=yes ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) fail "unknown option $1" "systemd/install.sh --help" ;;
  esac
  shift
done

check() {
  [ "$DRY" = yes ] || [ "$(id -u)" = 0 ] || fail "must be run as root" "sudo systemd/install.sh"
  [ -e "$FROM" ] || fail "$FROM is not there" "name a wheel or a checkout with --from"
  command -v systemctl > /dev/null || fail "systemd is missing" "run Velgate by hand: velgate run"
  command -v python3 > /dev/null || fail "python3 is missing" "apt-get install python3 python3-venv"
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "Python 3.11 or newer is needed, found $(python3 --version)" "Raspberry Pi OS 12 or newer has it"
  python3 -c 'import ensurepip' 2> /dev/null || fail "the module venv is missing" "apt-get install python3-venv"
  command -v bluetoothctl > /dev/null || say "Note: BlueZ is missing; without it only MQTT is heard (apt-get install bluez)."
  if ! timedatectl show --property=NTP --value 2> /dev/null | grep -qx yes; then
    say "Note: this machine's clock is not kept by NTP (timedatectl set-ntp true)."
  fi
}

accounts() {
  run install -D -m 644 "$HERE/velgate.sysusers" /usr/lib/sysusers.d/velgate.conf
  run install -D -m 644 "$HERE/velgate.tmpfiles" /usr/lib/tmpfiles.d/velgate.conf
  run systemd-sysusers velgate.conf
  run systemd-tmpfiles --create velgate.conf
}

# A new environment beside the old one: the running gateway keeps its own files until it is started again.
program() {
  local new lock
  new=$PROGRAM/$(date -u +%Y%m%dT%H%M%SZ)
  lock=$(dirname -- "$HERE")/requirements.lock
  [ -f "$lock" ] || fail "$lock is missing" "run the script from an unpacked release or a checkout"
  run install -d -m 755 "$PROGRAM"
  run python3 -m venv "$new"
  if [ "$DRY" = yes ]; then
    say "would install $lock and $FROM into $new"
    return
  fi
  # The exact versions that were tested, each checked against its hash; then Velgate itself, and nothing else.
  if ! "$new/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$lock" ||
    ! "$new/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-build-isolation "$FROM"; then
    rm -rf -- "$new"
    fail "the packages could not be installed; nothing was changed" "look at the lines above, mostly the network"
  fi
  if ! "$new/bin/velgate" --version > /dev/null; then
    rm -rf -- "$new"
    fail "the new version does not start; the old one stays" "report it, with the lines above"
  fi
  ln -sfn "$new" "$PROGRAM/current"
  ln -sfn "$PROGRAM/current/bin/velgate" /usr/local/bin/velgate
  say "Installed $("$new/bin/velgate" --version) in $new."
}

units() {
  run install -D -m 644 "$HERE/velgate-dbus.conf" /etc/dbus-1/system.d/velgate.conf
  run install -D -m 644 "$HERE/velgate.service" /etc/systemd/system/velgate.service
  if [ "$KIOSK" = yes ]; then
    run install -D -m 644 "$HERE/velgate-kiosk.sysusers" /usr/lib/sysusers.d/velgate-kiosk.conf
    run systemd-sysusers velgate-kiosk.conf
    run install -D -m 644 "$HERE/velgate-kiosk.service" /etc/systemd/system/velgate-kiosk.service
  fi
  run systemctl daemon-reload
  run systemctl reload dbus || say "Note: D-Bus reads its new policy at the next start of the machine."
}

configuration() {
  if [ -e "$CONFIG/gateway.toml" ] || [ -d "$CONFIG/gateway" ]; then
    say "The configuration in $CONFIG stays as it is."
  else
    run "$PROGRAM/current/bin/velgate" init --defaults --config "$CONFIG"
    did "Wrote a first configuration. Say who and where you are: edit $CONFIG/gateway.toml."
  fi
  run systemd-tmpfiles --create velgate.conf # files written by root belong to the gateway
  run "$PROGRAM/current/bin/velgate" check --config "$CONFIG" ||
    fail "the configuration has errors" "mend them, run  velgate check, then this script again"
}

start() {
  if [ "$START" = no ]; then
    say "Not started. Start it with:  sudo systemctl enable --now velgate"
    return
  fi
  run systemctl enable velgate
  run systemctl restart velgate ||
    fail "the gateway does not start" "journalctl -u velgate -n 50; the version before: see the top of this script"
  did "Velgate runs. How it is:  sudo velgate status    What it says:  journalctl -u velgate"
  did "To use it without sudo:  sudo usermod -aG velgate $(logname 2> /dev/null || echo NAME)"
}

# Older environments go, the one in use and the one before stay. Only folders that this script named.
tidy() {
  local old
  for old in $(cd "$PROGRAM" 2> /dev/null && ls -1d [0-9]*T[0-9]*Z 2> /dev/null | sort -r | tail -n +$((KEEP + 1))); do
    run rm -rf -- "${PROGRAM:?}/$old"
  done
}

check
accounts
program
units
configuration
start
tidy
did "State: $STATE. Configuration: $CONFIG. Next:  velgate staff add, velgate staff pin, velgate device add"
