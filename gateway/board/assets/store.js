// What is known of the house now. Everybody reads; only events and answers of the server write.

import { boot, setServerTime, now } from "./boot.js";

export const store = {
  alerts: new Map(), shown: new Map(), pages: 0, seq: 0, health: {}, duty: [], proved: null, noBasis: 0, flood: null,
  me: boot.state.me, lost: null, deviceTick: 0,
};

const listeners = new Set();
export const onChange = (listener) => { listeners.add(listener); };
export function changed(what) { for (const listener of listeners) listener(what); }

const UNDO_MS = 60_000;

// A whole new state. What the disk had not confirmed stays until the server knows its id.
export function load(state) {
  setServerTime(state.now);
  const unkept = [...store.alerts.values()].filter((alert) => !alert.durable);
  store.alerts = new Map([...state.alerts, ...state.closed].map((alert) => [alert.id, alert]));
  for (const alert of unkept) if (!store.alerts.has(alert.id)) store.alerts.set(alert.id, alert);
  store.shown = new Map(Object.entries(state.shown));
  Object.assign(store, {
    pages: state.pages, seq: state.seq, health: state.health, duty: state.duty, proved: state.proved,
    noBasis: state.no_basis, flood: state.flood ?? null, me: state.me,
  });
  changed("load");
  return unkept.filter((alert) => !state.alerts.some((known) => known.id === alert.id));
}

// One alert in a new state. An older one that arrives late changes nothing.
export function apply(alert) {
  const before = store.alerts.get(alert.id);
  if (before && (before.rev > alert.rev || (before.rev === alert.rev && before.durable && !alert.durable))) return;
  store.alerts.set(alert.id, alert);
  changed("alert");
}

export function forgetClosed() {
  const limit = now() - UNDO_MS;
  for (const alert of store.alerts.values()) {
    if (alert.handling === "resolved" && Date.parse(alert.closed) < limit) {
      store.alerts.delete(alert.id);
      store.shown.delete(alert.id);
      changed("alert");
    }
  }
}

export const onBoard = (alert) => alert.priority !== "technical" && alert.handling !== "suppressed";
export const unanswered = (alert) => alert.handling === "unacknowledged";
export const mine = (alert) => alert.handling === "acknowledged" && !!alert.taken?.by && !!store.me.person
  && alert.taken.by.toLowerCase() === store.me.person.toLowerCase();
export const technical = () => [...store.alerts.values()]
  .filter((alert) => alert.priority === "technical" && !["suppressed", "resolved"].includes(alert.handling)).length;

const GROUP = { emergency: 0, high: 1 };

// The place of an alert on the board: smaller stands higher. `cards.py` has the same.
export function order(alert) {
  const raised = Date.parse(alert.raised);
  if (unanswered(alert)) {
    const first = alert.returned || alert.step > 1 || alert.helper;
    return [GROUP[alert.priority] ?? 4, first ? 0 : 1, raised];
  }
  if (alert.handling === "acknowledged") return [mine(alert) ? 2 : 3, 0, Date.parse(alert.taken.time)];
  if (alert.handling === "shelved") return [5, 0, Date.parse(alert.shelved_until)];
  return [6, 0, -Date.parse(alert.closed)];
}

export function inOrder(alerts) {
  return alerts.map((alert) => [order(alert), alert])
    .sort(([a, x], [b, y]) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2] || (x.id < y.id ? -1 : 1))
    .map(([, alert]) => alert);
}
