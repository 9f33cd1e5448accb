// What people do about alerts: the tap answers at once, "Du har den" only after the commit.

import { boot, span, t } from "./boot.js";
import { answers, pending } from "./card.js";
import { noAnswer } from "./live.js";
import { render } from "./layout.js";
import { who } from "./sheets.js";
import { say, toast } from "./say.js";
import { apply, changed, store } from "./store.js";

const TRY_MS = 3000; // no answer: say so, and ask again; the same from the same person counts once
const GIVE_UP_MS = 10_000; // no answer: contact is lost
const ANSWER_MS = 15_000;

async function post(path, body, method = "POST") {
  const begun = performance.now();
  for (let attempt = 0; ; attempt += 1) {
    const left = GIVE_UP_MS - (performance.now() - begun);
    if (left <= 0) { noAnswer(); return { status: 0, body: {} }; }
    try {
      const answer = await fetch(path, {
        method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
        signal: AbortSignal.timeout(Math.min(TRY_MS, left)),
      });
      const text = await answer.text();
      return { status: answer.status, body: text ? JSON.parse(text) : {} };
    } catch {
      post.again?.();
      await new Promise((done) => { setTimeout(done, Math.min(300 * (attempt + 1), 1000)); });
    }
  }
}

// Why something was refused, in words.
export function refusal({ status, body }) {
  if (status === 0) return t(store.lost ? "page.no_contact" : "refusal.not_durable");
  const reason = body.reason ?? body.code;
  if (body.code === "slow_down") return t("refusal.slow_down", { wait: span(body.retry_after_s ?? 60) });
  for (const key of [`refusal.${reason}`, `refusal.${body.code}`]) {
    if (key in boot.words) return t(key, body);
  }
  return t("page.failed");
}

// Ask the server for something; on a wall screen it asks first who does it. Gives the answer, or null.
export async function ask(path, body = {}, method = "POST") {
  let given = body;
  let said = "";
  for (;;) {
    if (!store.me.person) {
      const person = await who(said);
      if (!person) return null;
      given = { ...body, ...person };
    }
    const answer = await post(path, given, method);
    if (answer.status === 401 && !store.me.person) { said = refusal(answer); continue; }
    if (answer.status === 429 && !store.me.person) { said = refusal(answer); continue; }
    if (answer.status === 401) { location.assign("/signin"); return null; }
    return answer;
  }
}

// One action on one alert. Gives `{ok, alert}` or `{ok: false, code}`.
export async function act(id, action, fields = {}) {
  if (store.lost || pending.has(id)) return { ok: false, code: "busy" };
  let given = fields;
  let said = "";
  for (;;) {
    if (!store.me.person) {
      const person = await who(said, store.alerts.get(id));
      if (!person) return { ok: false, code: "cancelled" };
      given = { ...fields, ...person };
    }
    pending.set(id, t("action.sending"));
    render();
    post.again = () => { pending.set(id, t("action.unconfirmed")); render(); };
    const answer = await post(`/api/v1/alerts/${id}/${action}`, given);
    post.again = null;
    pending.delete(id);
    if ([401, 429].includes(answer.status) && !store.me.person) { said = refusal(answer); render(); continue; }
    return finish(id, action, answer);
  }
}

async function finish(id, action, answer) {
  if (answer.status === 200) {
    answers.delete(id);
    apply(answer.body);
    if (action === "acknowledge") say(t("page.said.taken", { by: answer.body.taken?.by ?? "", place: answer.body.label }));
    changed("alert");
    return { ok: true, alert: answer.body };
  }
  if (answer.status === 401) { location.assign("/signin"); return { ok: false, code: "not_signed_in" }; }
  const { code } = answer.body;
  const text = refusal(answer);
  if (code !== "presence_missing") {
    answers.set(id, text);
    setTimeout(() => { if (answers.get(id) === text) { answers.delete(id); changed("alert"); } }, ANSWER_MS);
    if (!document.getElementById(`a-${id}`)?.isConnected) toast(text);
    say(text);
    const fresh = await fetch(`/api/v1/alerts/${id}`).catch(() => null);
    if (fresh?.ok) { const { timeline: _, ...alert } = await fresh.json(); apply(alert); }
  }
  changed("alert");
  return { ok: false, code, text };
}
