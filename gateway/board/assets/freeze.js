// Nothing moves under a finger: from touch-down until 800 ms after touch-up the layout stays as it is.

export const AFTER_TOUCH_MS = 800;
const CLICK_MS = 40;

let until = 0;
const waiting = new Set();

export const frozen = () => performance.now() < until;

// Have something drawn once the layout may move again.
export function whenThawed(draw) { waiting.add(draw); }

function thaw() {
  if (frozen()) return;
  const draws = [...waiting];
  waiting.clear();
  for (const draw of draws) draw();
}

// On the calls it stays a while longer; in header and tabs only until the press has become a click.
let after = 0;
addEventListener("pointerdown", (event) => {
  until = Infinity;
  after = event.target.closest?.("main") ? AFTER_TOUCH_MS : CLICK_MS;
}, true);
for (const name of ["pointerup", "pointercancel"]) {
  addEventListener(name, () => {
    if (until !== Infinity) return;
    until = performance.now() + after;
    setTimeout(thaw, after + 10);
  }, true);
}
