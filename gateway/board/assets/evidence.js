// The empty board and the strip of the wall: when it was last proved, who is heard, who can be reached.
// `evidence.py` says the same on the server.

import { clock, el, lang, now, seconds, span, t } from "./boot.js";
import { store, technical } from "./store.js";

const FRESH_MS = 24 * 3600 * 1000;

function proved() {
  const proof = store.proved;
  if (!proof) return [t("board.never_tested"), false];
  const time = clock(Date.parse(proof.time));
  if (!proof.ok) return [t("page.empty.tested_failed", { time }), false];
  if (now() - Date.parse(proof.time) > FRESH_MS || proof.ms === null) return [t("page.empty.tested_old", { time }), false];
  return [t("board.last_tested", { time, seconds: seconds(proof.ms) }), true];
}

function heard() {
  const { known, heard: n } = store.health.devices ?? {};
  if (!known || n === null || n === undefined) return [t("page.empty.heard_nothing"), false];
  if (n >= known) return [t("board.heard", { heard: n, known }), true];
  return [t("board.heard_missing", { heard: n, known, missing: known - n }), false];
}

function people() {
  const all = new Map();
  for (const group of store.duty) for (const each of group.persons) all.set(each.person, each.reached);
  return all;
}

function duty() {
  const all = people();
  if (!all.size) return [t("board.on_duty_none"), false];
  const persons = [...all.keys()].join(", ");
  const missing = [...all].filter(([, reached]) => !reached).map(([person]) => person);
  if (missing.length) return [t("page.empty.duty_missing", { persons, missing: missing.join(", "), reached: all.size - missing.length, on: all.size }), false];
  const few = all.size === 1 ? t("page.empty.duty_one", { person: persons }) : t("page.empty.duty_both");
  const reach = all.size > 2 ? t("board.on_duty_some", { reached: all.size, on: all.size }) : few;
  return [t("board.on_duty", { persons, reach }), true];
}

// More new alerts than those on duty can take: what rings most, and where. Nothing is held back because of it.
function flooded() {
  const { count, window_s: window, what, label: place } = store.flood;
  return [t("page.empty.flood", { count, span: span(window), what: what[lang], place }), false];
}

function evidence() {
  const lines = [];
  if (!store.me.public) lines.push(proved());
  lines.push(heard());
  if (!store.me.public) lines.push(duty());
  if (store.flood) lines.push(flooded());
  if (store.noBasis) lines.push([t("page.empty.no_basis", { count: store.noBasis }), false]);
  return lines;
}

export function drawEmpty() {
  const list = document.querySelector("#empty .evidence");
  const lines = evidence();
  const text = JSON.stringify(lines);
  if (list.dataset.mark === text) return;
  list.dataset.mark = text;
  list.replaceChildren(...lines.map(([words, good]) => el("li", { class: good ? "good" : "odd" }, words)));
}

const person = ([name, reached]) => el("span", { class: `who ${reached ? "good" : "odd"}` }, reached ? `${name} ✓` : `${name} · ${t("page.strip.unproved")}`);

const duties = (all) => all.size ? `${t("page.strip.duty")} · ${t("board.on_duty_some", { reached: [...all.values()].filter(Boolean).length, on: all.size })}` : t("page.strip.duty");

// Who is on duty and reached, devices heard, last test, technical ones: only a wall has room for it.
export function drawStrip() {
  const strip = document.getElementById("strip");
  if (store.me.public) { strip.replaceChildren(); return; }
  const all = people();
  const { known = 0, heard: n = 0 } = store.health.devices ?? {};
  const proof = store.proved;
  const parts = [
    [duties(all), all.size ? [...all] : t("board.on_duty_none"), all.size > 0],
    [t("page.strip.heard"), t("page.strip.heard_of", { heard: n, known }), known > 0 && n >= known],
    [t("page.strip.tested"), proof ? clock(Date.parse(proof.time)) : "–", !!proof?.ok && now() - Date.parse(proof.time) <= FRESH_MS],
  ];
  if (store.flood) parts.push([t("page.strip.flood"), t("page.strip.flood_of", { count: store.flood.count, place: store.flood.label }), false]);
  const text = JSON.stringify([parts, technical()]);
  if (strip.dataset.mark === text) return;
  strip.dataset.mark = text;
  strip.replaceChildren(...parts.map(([name, value, good]) => el("div", { class: good ? "good" : "odd" }, el("small", {}, name), el("strong", {}, ...(typeof value === "string" ? [value] : value.map(person))))));
}
