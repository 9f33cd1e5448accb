// Trials of who can be reached: one's own, seen through to the end, and those of everybody on duty.

import { el, now, span, t } from "./boot.js";
import { ask } from "./act.js";
import { play } from "./sound.js";
import { toast } from "./say.js";
import { onBoard, store, unanswered } from "./store.js";

const LOOK_EVERY_MS = 1000;
const ANSWER_MS = 4000;
const SAME = { "Content-Type": "application/json" };

async function look(names) {
  const answer = await fetch(`/api/v1/reach?trial=${names.join(",")}`, { signal: AbortSignal.timeout(ANSWER_MS) }).catch(() => null);
  return answer?.ok ? (await answer.json()).trials : null;
}

const pause = () => new Promise((done) => { setTimeout(done, LOOK_EVERY_MS); });

// Looks until none of the trials waits any more; `draw` sees each state. Ends early where `over` says so.
async function follow(trials, draw, over = () => false) {
  let known = trials;
  draw(known);
  while (known.some((each) => each.state === "waiting") && !over()) {
    await pause();
    const fresh = await look(known.map((each) => each.trial));
    if (fresh) known = known.map((each) => fresh.find((other) => other.trial === each.trial) ?? { ...each, state: "missed" });
    draw(known);
  }
  return known;
}

async function begin(body) {
  const answer = await ask("/api/v1/reach", body);
  return answer?.status === 200 ? answer.body.trials : null;
}

async function answer(body) {
  const given = await fetch("/api/v1/reach/answer", { method: "POST", headers: SAME, body: JSON.stringify(body) }).catch(() => null);
  return given?.ok ?? false;
}

function codeForm() {
  const code = el("input", { id: "reach-code", inputmode: "numeric", autocomplete: "one-time-code", maxlength: "4", required: true });
  const form = el("form", { class: "code" }, el("h2", {}, t("page.reach.code_title")), el("label", { for: "reach-code" }, t("page.reach.code_label")), code, el("button", { class: "act plain" }, t("page.reach.go_on")));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!await answer({ code: code.value })) { code.value = ""; code.focus(); toast(t("refusal.wrong_code")); }
  });
  return form;
}

const calling = () => [...store.alerts.values()].some((alert) => onBoard(alert) && unanswered(alert));

// One's own trial on the whole screen, which gives way to a call: the trial may be answered all the same. Gives when it is done with: proved, or left for later.
export function ownTrial(place) {
  return new Promise((done) => {
    let left = false;
    const later = () => { left = true; done(false); };
    const button = (words, does, plain = false) => el("button", { type: "button", class: plain ? "act plain" : "act", onclick: does }, words);
    const failed = (title, why) => {
      place.replaceChildren(el("h1", { id: "start" }, title), el("p", { role: "alert" }, why),
        button(t("page.reach.again"), run), button(t("page.reach.later"), later, true));
      place.querySelector("button").focus();
    };
    const waiting = (trial) => {
      const ends = Date.parse(trial.ends);
      const clock = el("p", { class: "why" });
      place.replaceChildren(el("h1", { id: "start" }, t("page.reach.trial_title")), clock,
        el("p", { class: "waits", role: "status" }, t("page.reach.trial_waiting")),
        ...(trial.code ? [codeForm()] : []), button(t("page.reach.later"), later, true));
      return () => { clock.textContent = t("page.reach.trial_why", { left: span((ends - now()) / 1000) }); };
    };
    const proved = () => {
      place.replaceChildren(el("p", { class: "tick", "aria-hidden": "true" }, "✓"), el("h1", { id: "start" }, t("page.reach.done_title")),
        el("p", { role: "status" }, t("page.reach.done_why")), button(t("page.reach.done"), () => done(true)));
      place.querySelector("button").focus();
    };
    async function run() {
      place.replaceChildren(el("h1", { id: "start" }, t("page.reach.trial_title")), el("p", { role: "status" }, t("page.reach.checking")));
      const trials = await begin({ persons: [store.me.person] });
      if (!trials) { failed(t("page.reach.not_sent_title"), t("page.failed")); return; }
      let tick = null;
      const [last] = await follow(trials, ([trial]) => {
        if (calling() && !left) later();
        if (trial.state !== "waiting" || left) return;
        tick ??= waiting(trial);
        tick();
      });
      if (left) { if (last.state === "reached") toast(t("page.reach.done_title")); return; }
      if (last.state === "reached") proved();
      else if (last.state === "failed") failed(t("page.reach.not_sent_title"), t("page.reach.missed_why"));
      else failed(t("page.reach.missed_title"), t("page.reach.missed_why"));
    }
    run();
  });
}

// Everybody on duty, each with what came of it. The list stays where it is until the view is drawn anew.
export async function tryAll(button) {
  const list = document.getElementById("reach-list");
  if (!list || button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true"); // and in focus: the view is not drawn anew under somebody's hands
  button.focus({ preventScroll: true });
  list.replaceChildren(el("li", { role: "status" }, t("page.reach.checking")));
  const trials = await begin({});
  if (!trials) toast(t("page.failed"));
  else if (!trials.length) toast(t("page.reach.nobody"));
  else {
    await follow(trials, (known) => list.replaceChildren(...known.map((each) => el("li", { class: each.state === "reached" ? "good" : "odd" },
      el("strong", {}, each.person), ` · ${t(`page.reach.state_${each.state}`)}`))), () => !list.isConnected);
  }
  if (!trials?.length) list.replaceChildren();
  button.setAttribute("aria-busy", "false");
}

// A trial shown on the open page of who has no phone that takes pushes. It covers no button and closes no sheet.
export function pageTrial(trial) {
  document.querySelector(".trial-ask")?.remove();
  if (trial.state !== "waiting") return;
  const gone = () => bar.remove();
  const bar = el("section", { class: "trial-ask", role: "alert" }, el("strong", {}, t("page.reach.page_title")),
    el("button", { type: "button", class: "act", "data-trial": trial.trial, onclick: async () => { gone(); if (!await answer({ trial: trial.trial })) toast(t("refusal.trial_over")); } }, t("page.reach.page_yes")));
  document.body.append(bar);
  play("trial");
  setTimeout(gone, Math.max(0, Date.parse(trial.ends) - now()));
}
