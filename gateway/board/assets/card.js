// The card of one alert. `cards.py` says the same on the server; a test compares the two, word by word.

import { boot, clock, el, knows, lang, now, short as left, span, t } from "./boot.js";
import { mine, store, unanswered } from "./store.js";

const SHAPES = { emergency: "▲▲", high: "▲", medium: "●", technical: "◆" };
const PERSONAL = ["fall", "presence", "vital"];
export const pending = new Map(); // id → words on the button while an answer is awaited
export const answers = new Map(); // id → what the server said instead

export function stateOf(alert) {
  switch (alert.handling) {
    case "acknowledged": return mine(alert) ? "mine" : "other";
    case "shelved": return "shelved";
    case "suppressed": return "suppressed";
    case "resolved": return "closed";
  }
  if (alert.condition === "gone") return "gone";
  if (alert.helper) return "again";
  if (alert.returned) return "returned";
  return alert.step > 1 ? "escalated" : "new";
}

export function short(alert) {
  const title = alert.title[lang];
  return title === alert.label ? title : title.replace(` – ${alert.label}`, "");
}

export function what(alert) {
  const happened = short(alert);
  const todo = alert.do[lang] ?? "";
  if (happened === alert.label) return todo;
  return todo ? `${happened} · ${todo}` : happened;
}

const target = (name) => boot.labels[name] ?? (name.split(":")[1] || name);

function waiting(alert) {
  const lines = [];
  const beside = alert.asked.filter((to) => to !== "page");
  const asked = beside.length ? beside : alert.asked;
  if (alert.condition === "gone") lines.push(t(knows(`card.gone.${alert.kind}`) ? `card.gone.${alert.kind}` : "card.gone"));
  if (alert.helper) lines.push(t("card.again_taken", { by: alert.helper }));
  if (alert.returned) lines.push(t("card.returned"));
  if (alert.step > 1 && asked.length) {
    lines.push(t("card.passed_on", { to: target(asked.at(-1)) }));
  } else if (asked.length) {
    const to = [...new Set(asked.map(target))].join(", ");
    const [shown, screens] = store.shown.get(alert.id) ?? [0, 0];
    lines.push(screens ? t("card.sent_shown", { to, shown, screens }) : t("card.sent", { to }));
  }
  return lines;
}

function lines(alert, state) {
  const made = [];
  if (!alert.durable) made.push(`${t("card.not_durable")}. ${t("page.not_kept_do")}`);
  if (state === "mine") {
    made.push(t("card.mine", { left: left((Date.parse(alert.taken.return_at) - now()) / 1000) }));
    if (alert.present) made.push(t("page.mine_present"));
  } else if (state === "other") {
    made.push(t("card.theirs", { by: alert.taken.by ?? "–", ago: left((now() - Date.parse(alert.taken.time)) / 1000) }));
    if (alert.present?.by) made.push(t("card.present", { by: alert.present.by }));
  } else if (state === "shelved") {
    made.push(t("card.shelved", { until: clock(Date.parse(alert.shelved_until)) }));
  } else if (state === "closed") {
    made.push(alert.outcome ? t("card.closed", { outcome: t(`outcome.${alert.outcome}`) }) : t("page.closed"));
  } else {
    made.push(...waiting(alert));
  }
  if (state !== "closed") {
    made.push(...alert.joined.map((by) => t("card.joined", { by })));
    if (alert.cancelled_at) made.push(t("card.cancelled"));
  }
  return made;
}

function primary(alert, state) {
  switch (state) {
    case "mine": return alert.present ? ["resolve"] : ["presence", "resolve"];
    case "other": return alert.joined.includes(store.me.person) ? [] : ["join"];
    case "shelved": case "suppressed": return [];
    case "closed": return ["reopen"];
  }
  return ["acknowledge"];
}

export function menu(alert) {
  const state = stateOf(alert);
  if (store.me.public || state === "closed") return [];
  const personal = PERSONAL.includes(alert.concern) ? ["object"] : [];
  switch (state) {
    case "mine": return ["extend", "release", "assist", "shelve", ...personal, "detail"];
    case "other": return ["take_over", "assist", ...personal, "detail"];
    case "shelved": case "suppressed": return ["acknowledge", ...personal, "detail"];
  }
  return ["assist", "resolve", "shelve", ...personal, "detail"];
}

function words(action) {
  if (store.lost) return boot.site.phone ? t("contact.button", { phone: boot.site.phone }) : t("page.no_contact_go");
  return t(`action.${action}`);
}

// Everything that decides how a card looks, apart from running time.
export function model(alert) {
  const state = stateOf(alert);
  return {
    id: alert.id, tone: alert.priority, state, test: alert.test, durable: alert.durable, label: alert.label,
    shape: ["mine", "other"].includes(state) ? "✓" : SHAPES[alert.priority],
    head: t(`priority.${alert.priority}`),
    count: alert.count > 1 ? t("card.count", { count: alert.count }) : "",
    what: what(alert), lines: lines(alert, state), primary: primary(alert, state), menu: menu(alert),
    pending: pending.get(alert.id) ?? null, answer: answers.get(alert.id) ?? null, lost: !!store.lost,
  };
}

const mark = (m) => JSON.stringify({ ...m, lines: m.state === "mine" || m.state === "other" ? m.lines.slice(1) : m.lines });

function button(m, action) {
  const first = action === "acknowledge" ? " first" : "";
  const busy = m.pending !== null;
  return el("form", { method: "post", action: `/act/${m.id}/${action}` },
    el("button", {
      class: `act${first}`, "data-action": action, disabled: !m.durable || m.lost || busy, "aria-busy": busy ? "true" : null,
      type: "button",
    }, busy ? m.pending : words(action)));
}

const SVG = "http://www.w3.org/2000/svg";
function ring() {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("viewBox", "0 0 44 44");
  made.setAttribute("class", "ring-left");
  made.setAttribute("aria-hidden", "true");
  for (const name of ["rest", "left"]) {
    const circle = document.createElementNS(SVG, "circle");
    for (const [key, value] of Object.entries({ cx: 22, cy: 22, r: 18, class: name, pathLength: 100 })) circle.setAttribute(key, value);
    made.append(circle);
  }
  return made;
}

const length = (label) => (label.length <= 9 ? "short" : label.length <= 14 ? "middle" : "long");

export function draw(card, alert) {
  const m = model(alert);
  const now_ = mark(m);
  if (card.dataset.mark !== now_) {
    const held = card.contains(document.activeElement) ? document.activeElement.dataset.action ?? (document.activeElement.classList.contains("menu") ? "menu" : "card") : null;
    card.dataset.mark = now_;
    card.dataset.state = m.state;
    const stay = ["fresh", "hushed"].filter((name) => card.classList.contains(name));
    card.className = ["card", `t-${m.tone}`, `s-${m.state}`, !m.durable && "unkept", m.test && "is-test", ...stay].filter(Boolean).join(" ");
    card.replaceChildren(
      el("div", { class: "card-head" },
        el("span", { class: "shape", "aria-hidden": "true" }, m.shape),
        el("span", { class: "word" }, m.head),
        m.test && el("span", { class: "trial" }, t("page.test")),
        unanswered(alert) && el("span", { class: "waited" })),
      el("p", { class: "place", id: `p-${m.id}` },
        el("span", { class: "label", "data-length": length(m.label) }, m.label),
        m.count && el("span", { class: "count" }, m.count)),
      el("p", { class: "what", id: `w-${m.id}` }, m.what),
      el("ul", { class: "lines" }, ...m.lines.map((line) => el("li", {}, line))),
    );
    if (m.answer) card.append(el("p", { class: "answer" }, m.answer));
    card.append(el("div", { class: "do" },
      ...m.primary.map((action) => button(m, action)),
      m.menu.length > 0 && el("button", { type: "button", class: "menu", "data-menu": m.menu.join(" "), disabled: m.lost, "aria-label": t("page.menu", { place: m.label }) }, "⋯")));
    if (m.state === "mine") card.append(ring());
    if (held) (held === "card" ? card : card.querySelector(held === "menu" ? ".menu" : `[data-action="${held}"]`) ?? card).focus({ preventScroll: true });
  }
  tick(card, alert);
}

export function make(alert) {
  return el("article", {
    id: `a-${alert.id}`, "data-id": alert.id, tabindex: "0", "aria-labelledby": `p-${alert.id} w-${alert.id}`,
  });
}

// What runs with the clock: the wait, the time left.
export function tick(card, alert) {
  const waited = card.querySelector(".waited");
  if (waited) set(waited, span((now() - Date.parse(alert.raised)) / 1000));
  const state = card.dataset.state;
  if (state !== "mine" && state !== "other") return;
  const line = card.querySelector(".lines li");
  if (line) set(line, lines({ ...alert, durable: true }, state)[0]);
  if (state !== "mine") return;
  const begun = Date.parse(alert.taken.time);
  const back = Date.parse(alert.taken.return_at);
  const rest = back - now();
  card.querySelector(".ring-left .left")?.setAttribute("stroke-dasharray", `${Math.max(0, Math.min(100, (rest / Math.max(1, back - begun)) * 100)).toFixed(1)} 100`);
  card.classList.toggle("soon", rest < 120_000);
}

function set(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
