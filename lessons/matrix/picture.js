// A as one SVG: a square for each weight, nothing for a zero, vec(x) and vec(z) beside it. Numbers only are written
// into the markup; texts come translated from Python and are only ever set as text.
const S = 16; // one cell
const WIDE = 26; // a cell of vec(x) and vec(z)
const EDGE = 30; // room for the numbers of rows and columns
const GAP = 22; // room for a sign
const TITLE = 20; // room for the names of the columns

function column(cells, x, kind, chosen) {
  return cells
    .map(([text, tint], i) => {
      const sign = tint > 0 ? "positive" : tint < 0 ? "negative" : "";
      const y = EDGE + i * S;
      return (
        `<rect class="vec ${sign}" style="--tint:${Math.abs(tint)}" x="${x}" y="${y}" width="${WIDE}" height="${S}"/>` +
        `<text x="${x + WIDE / 2}" y="${y + 11.5}">${text}</text>` +
        (chosen.has(i) ? `<rect class="ring ${kind}" x="${x + 1}" y="${y + 1}" width="${WIDE - 2}" height="${S - 2}"/>` : "")
      );
    })
    .join("");
}

// Lines between the rows of z and between the rows of x: A falls into blocks.
function blocks(data, rows, columns) {
  const lines = [`M${EDGE},${EDGE}h${columns * S}v${rows * S}h${-columns * S}z`];
  for (let u = 1; u < data.outputs[0]; u += 1) lines.push(`M${EDGE},${EDGE + u * data.outputs[1] * S}h${columns * S}`);
  for (let r = 1; r < data.size[0]; r += 1) lines.push(`M${EDGE + r * data.size[1] * S},${EDGE}v${rows * S}`);
  return `<path class="grid" d="${lines.join("")}"/>`;
}

function numbers(data) {
  const up = (i) => `<text class="mark" x="${EDGE - 6}" y="${EDGE + i * S + 12}" text-anchor="end">${i}</text>`;
  const along = (i) => `<text class="mark" x="${EDGE + i * S + S / 2}" y="${EDGE - 6}">${i}</text>`;
  const first = (count, step) => Array.from({ length: count }, (_, i) => i * step);
  return first(data.outputs[0], data.outputs[1]).map(up).join("") + first(data.size[0], data.size[1]).map(along).join("");
}

function entry([row, col, i, j, text, lit]) {
  const [x, y] = [EDGE + col * S, EDGE + row * S];
  const zero = text === "0" ? " nought" : "";
  return (
    `<g class="entry tap-${i}-${j}${zero}${lit ? "" : " dim"}"><rect x="${x + 0.5}" y="${y + 0.5}" width="${S - 1}" height="${S - 1}"/>` +
    (zero ? "" : `<text x="${x + S / 2}" y="${y + 11.5}">${text}</text>`) + "</g>"
  );
}

function frame(data, rows, columns) {
  const box = (x, y, width, height) => `<rect class="ring chosen" x="${x}" y="${y}" width="${width}" height="${height}"/>`;
  if (data.look === "row") return box(EDGE, EDGE + data.row * S, columns * S, S);
  if (data.look === "column") return box(EDGE + data.column * S, EDGE, S, rows * S);
  return "";
}

function draw(svg, data) {
  const [rows, columns] = [data.z.length, data.x.length];
  const atX = EDGE + columns * S + GAP;
  const atZ = atX + WIDE + GAP;
  const [width, height] = [atZ + WIDE + 6, EDGE + Math.max(rows, columns) * S + 1];
  const lit = data.entries.filter((each) => each[5]);
  const inX = new Set(data.look === "column" ? [data.column] : lit.map((each) => each[1]));
  const inZ = new Set(data.look === "row" ? [data.row] : lit.map((each) => each[0]));
  const kinds = data.look === "row" ? ["read", "chosen"] : data.look === "column" ? ["chosen", "read"] : ["read", "read"];
  const sign = (x, text) => `<text class="sign" x="${x}" y="${EDGE + (Math.min(rows, columns) * S) / 2}">${text}</text>`;
  const title = (x, text, kind) => `<text class="title ${kind}" x="${x}" y="${TITLE}">${text}</text>`;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.style.setProperty("--ratio", width / height);
  svg.classList.toggle("tall", rows > 56);
  svg.innerHTML =
    blocks(data, rows, columns) + numbers(data) + data.entries.map(entry).join("") + frame(data, rows, columns) +
    sign(atX - GAP / 2, "·") + column(data.x, atX, kinds[0], inX) + title(atX + WIDE / 2, "vec x", "input") +
    sign(atZ - GAP / 2, "=") + column(data.z, atZ, kinds[1], inZ) + title(atZ + WIDE / 2, "vec z", "output");
  svg.setAttribute("aria-label", data.label);
  return { atX, atZ, rows, columns };
}

// Which cell is under the pointer: an entry of A, or a cell of vec(x) or vec(z).
function under(svg, event, at) {
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  const row = Math.floor((point.y - EDGE) / S);
  const col = Math.floor((point.x - EDGE) / S);
  if (point.x >= at.atZ) return row >= 0 && row < at.rows ? { part: "z", row } : null;
  if (point.x >= at.atX && point.x < at.atX + WIDE) return row >= 0 && row < at.columns ? { part: "x", col: row } : null;
  if (col < 0 || col >= at.columns || row >= at.rows) return null;
  return row < 0 ? { part: "x", col } : { part: "A", row, col };
}

const fill = (template, values) => template.replace(/\{(\w+)\}/g, (_, key) => values[key]);

export default function ({ data, setTriggerValue, parentElement }) {
  let root = parentElement.querySelector(".big-matrix");
  if (!root) {
    parentElement.append((root = document.createElement("div")));
    root.className = "big-matrix";
    root.innerHTML = '<svg role="img"></svg><p aria-hidden="true"></p>';
  }
  const [svg, readout] = root.children;
  const at = draw(svg, data);
  const values = new Map(data.entries.map(([row, col, i, j, text]) => [row * at.columns + col, [`${i}, ${j}`, text]]));
  svg.onclick = (event) => {
    const hit = under(svg, event, at);
    if (!hit) return;
    const [index, width] = hit.part === "x" ? [hit.col, data.size[1]] : [hit.row, data.outputs[1]];
    setTriggerValue("pick", [hit.part === "x" ? "back" : "cell", Math.floor(index / width), index % width]);
  };
  svg.onpointermove = (event) => {
    const hit = under(svg, event, at);
    const found = hit?.part === "A" && values.get(hit.row * at.columns + hit.col);
    readout.textContent = found
      ? fill(data.words.entry, { row: hit.row, column: hit.col, tap: found[0], value: found[1] })
      : "";
  };
  svg.onpointerleave = () => (readout.textContent = "");
}
