// Nothing moves under a finger: from touch-down until 800 ms after touch-up the layout stays as it is.

export const AFTER_TOUCH_MS = 800;

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

addEventListener("pointerdown", (event) => { if (event.target.closest?.("main")) until = Infinity; }, true);
for (const name of ["pointerup", "pointercancel"]) {
  addEventListener(name, () => {
    if (until !== Infinity) return;
    until = performance.now() + AFTER_TOUCH_MS;
    setTimeout(thaw, AFTER_TOUCH_MS + 10);
  }, true);
}
