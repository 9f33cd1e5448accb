// The board: order, columns, and a layout that never moves under a finger.

import { clock, now, span, t, site } from "./boot.js";
import { draw, make, pending, short, tick } from "./card.js";
import { drawEmpty, drawStrip } from "./evidence.js";
import { favicon } from "./favicon.js";
import { frozen, whenThawed } from "./freeze.js";
import { hushed } from "./sound.js";
import { inOrder, onBoard, onChange, forgetClosed, store, technical, unanswered } from "./store.js";

export const SETTLE_MS = 300; // a card that has just moved takes no tap this long

const $ = (id) => document.getElementById(id);
const EDGE_PX = 14; // what a large card keeps free below its buttons
const wall = matchMedia("(min-width: 1200px) and (min-height: 860px)");
const cards = new Map();
const places = new Map();
let first = true;
let timer = 0;

export const settling = (card) => performance.now() - (Number(card.dataset.moved) || -1e9) < SETTLE_MS;
export const cardOf = (id) => cards.get(id);

export function render() {
  drawHead();
  if (frozen()) {
    whenThawed(render);
    for (const [id, card] of cards) { // words may change in place, the layout may not
      const alert = store.alerts.get(id);
      const button = card.querySelector("[data-action]");
      if (alert && button && pending.has(id)) { button.textContent = pending.get(id); button.disabled = true; }
    }
    return;
  }
  const alerts = inOrder([...store.alerts.values()].filter(onBoard));
  const standing = alerts.filter(unanswered);
  const held = alerts.filter((alert) => !unanswered(alert));
  for (const [id, card] of cards) if (!store.alerts.has(id) || !onBoard(store.alerts.get(id))) { card.remove(); cards.delete(id); places.delete(id); }
  fill($("waiting"), standing);
  fill($("held"), held);
  const n = standing.length;
  $("waiting").className = `waiting ${n <= 6 ? `large ${n <= 2 ? "one" : "two"}` : n <= 12 ? "grid" : `list${n > 18 ? " wide" : ""}`}`;
  $("empty").hidden = alerts.length > 0;
  $("board").classList.toggle("empty-board", alerts.length === 0);
  if (!alerts.length) drawEmpty();
  drawStrip();
  hush();
  fit();
  inStep();
  settle();
  first = false;
}

function fill(column, alerts) {
  let at = column.firstElementChild;
  for (const alert of alerts) {
    let card = cards.get(alert.id);
    if (!card) {
      card = column.querySelector(`#a-${CSS.escape(alert.id)}`) ?? make(alert);
      cards.set(alert.id, card);
    }
    draw(card, alert);
    if (card === at) at = at.nextElementSibling;
    else {
      const focused = card.contains(document.activeElement) ? document.activeElement : null;
      column.insertBefore(card, at);
      focused?.focus({ preventScroll: true });
    }
  }
  while (at) { const next = at.nextElementSibling; if (!cards.has(at.dataset.id) || !alerts.some((alert) => alert.id === at.dataset.id)) at.remove(); at = next; }
}

// The name of a place is written as large as it fits, in width and in height, and never larger than 104 px.
function fit() {
  const column = $("waiting");
  const large = column.classList.contains("large") && wall.matches;
  for (const label of column.querySelectorAll(".label")) {
    label.style.fontSize = label.style.lineHeight = "";
    if (!large) continue;
    const card = label.closest(".card");
    const { fontSize, lineHeight } = getComputedStyle(label);
    const wide = Math.min(1, label.clientWidth / label.scrollWidth);
    const buttons = card.querySelector(".do").getBoundingClientRect();
    const lack = Math.max(0, Math.ceil(buttons.bottom - (card.getBoundingClientRect().bottom - EDGE_PX)));
    const high = Math.max(0.3, (parseFloat(lineHeight) - lack) / parseFloat(lineHeight));
    if (wide < 1 || high < 1) label.style.fontSize = `${Math.floor(parseFloat(fontSize) * Math.min(wide, high))}px`;
    if (high < 1) label.style.lineHeight = `${Math.floor(parseFloat(lineHeight) * high)}px`;
  }
}

// Which cards have moved: they take no tap until the eye has followed.
function settle() {
  for (const [id, card] of cards) {
    const at = `${Math.round(card.offsetTop / 4)} ${Math.round(card.offsetLeft / 4)}`;
    if (places.get(id) !== at && !first) {
      card.dataset.moved = performance.now();
      card.classList.add("fresh");
      setTimeout(() => card.classList.remove("fresh"), SETTLE_MS);
    }
    places.set(id, at);
  }
}

function hush() {
  for (const [id, card] of cards) card.classList.toggle("hushed", hushed(store.alerts.get(id)));
}

// All that blinks blinks together: one pulse for the whole wall, 1.5 a second.
function inStep() {
  for (const animation of document.getAnimations()) if (animation.animationName?.startsWith("blink")) animation.startTime = 0;
}

export function drawHead() {
  const standing = [...store.alerts.values()].filter((alert) => onBoard(alert) && unanswered(alert));
  const wait = $("wait");
  if (!frozen()) wait.hidden = standing.length === 0;
  let title = t("board.title_none");
  if (standing.length) {
    const longest = Math.min(...standing.map((alert) => Date.parse(alert.raised)));
    title = t("board.title_waiting", { count: standing.length, waited: span((now() - longest) / 1000) });
    const top = inOrder(standing)[0];
    // Where the gravest is out of sight the bar says what and where, so that nobody has to scroll to learn it.
    $("wait-text").textContent = far(top)
      ? `${standing.length > 1 ? `${standing.length} · ` : ""}${short(top)} · ${top.label} · ${span((now() - Date.parse(top.raised)) / 1000)}`
      : title;
    const loud = standing.some((alert) => ["emergency", "high"].includes(alert.priority) && !hushed(alert));
    wait.className = `wait t-${top.priority}${loud ? " blink" : ""}${far(top) ? " far" : ""}`;
    favicon(standing.length, top.priority);
  } else favicon(0, "");
  document.title = `${store.lost ? "⚠ " : ""}${title} · ${site.title}`;
  $("clock").textContent = clock(now());
  const technicals = technical();
  if (!frozen()) $("technical").hidden = technicals === 0;
  $("technical").dataset.count = technicals;
  $("technical").querySelector("span").textContent = t("board.technical_chip", { count: technicals });
  $("link").classList.toggle("off", !!store.lost);
  $("link").setAttribute("aria-label", t(store.lost ? "page.no_contact" : "page.connected"));
}

// Whether the most urgent card is out of sight, above or in another view: then the bar names it.
function far(alert) {
  const card = cards.get(alert.id);
  if (!card || card.closest("[hidden]")) return true;
  const box = card.getBoundingClientRect();
  return box.bottom < 90 || box.top > innerHeight - 64;
}

function everySecond() {
  forgetClosed();
  drawHead();
  for (const [id, card] of cards) { const alert = store.alerts.get(id); if (alert) tick(card, alert); }
  if (!$("empty").hidden) drawEmpty();
  hush();
}

export function startBoard() {
  onChange(() => {
    clearTimeout(timer);
    timer = 0;
    render();
  });
  addEventListener("scroll", drawHead, { passive: true });
  setInterval(everySecond, 1000);
  // The bar of lost contact, or another size of the window, leaves the cards another height.
  new ResizeObserver(() => { if (!frozen()) fit(); }).observe($("calls-view"));
  render();
}
