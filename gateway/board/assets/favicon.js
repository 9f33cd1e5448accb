// The count in the tab's icon, drawn here: no file for each number.

const COLOURS = { emergency: ["#B3121D", "#FFFFFF"], high: ["#FFC400", "#14181D"], medium: ["#7FD6E6", "#14181D"], technical: ["#D5DBE1", "#14181D"] };
const link = document.getElementById("icon");
const plain = link.href;
let shown = "";

export function favicon(count, tone) {
  const mark = `${count} ${tone}`;
  if (mark === shown) return;
  shown = mark;
  if (!count) { link.href = plain; return; }
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 64;
  const draw = canvas.getContext("2d");
  const [fill, ink] = COLOURS[tone] ?? COLOURS.technical;
  draw.fillStyle = fill;
  draw.beginPath();
  draw.roundRect(0, 0, 64, 64, 14);
  draw.fill();
  draw.fillStyle = ink;
  draw.font = `bold ${count > 9 ? 36 : 46}px sans-serif`;
  draw.textAlign = "center";
  draw.textBaseline = "middle";
  draw.fillText(count > 99 ? "99" : String(count), 32, 35);
  link.href = canvas.toDataURL("image/png");
}
