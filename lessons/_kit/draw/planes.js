// Tables of numbers with frames and a cell to choose. Texts come translated from Python and are only ever set as text.
import { make, motion, STEPS } from "./motion.js";

function cellElement(plane, words, [text, tint, kinds], row, column) {
  const cell = make("td", kinds);
  cell.append(make("span", "", text));
  cell.style.setProperty("--tint", Math.abs(tint));
  if (tint) cell.classList.add(tint > 0 ? "positive" : "negative");
  cell.setAttribute("aria-label", `${words.row} ${row}, ${words.column} ${column}: ${text}`);
  const inside = row >= 0 && column >= 0 && row < plane.size[0] && column < plane.size[1];
  cell.dataset.at = `${row},${column}`;
  if (plane.pick) cell.setAttribute("role", "gridcell");
  if (plane.pick && inside) {
    const chosen = kinds.includes("chosen");
    cell.tabIndex = chosen ? 0 : -1;
    cell.setAttribute("aria-selected", chosen);
    Object.assign(cell.dataset, { pick: plane.pick, row, column });
  }
  return cell;
}

function label(number) {
  const head = make("th");
  head.append(make("span", "", number));
  return head;
}

function planeElement(plane, words) {
  const table = make("table", `plane ${plane.colour}${plane.pick ? " pick" : ""}`);
  if (plane.pick) table.setAttribute("role", "grid");
  table.dataset.part = plane.part;
  table.append(make("caption", "", plane.title));
  const body = make("tbody");
  const head = make("tr");
  head.append(make("td", "corner"));
  plane.cells[0].forEach((_, c) => head.append(label(c + plane.first[1])));
  body.append(head);
  plane.cells.forEach((cells, r) => {
    const line = make("tr");
    line.append(label(r + plane.first[0]));
    cells.forEach((cell, c) => line.append(cellElement(plane, words, cell, r + plane.first[0], c + plane.first[1])));
    body.append(line);
  });
  table.append(body);
  return table;
}

function rowElement(row, words) {
  const section = make("section", `planes-row${row.backward ? " backward" : ""}`);
  if (row.title) section.append(make("h2", "", row.title));
  const line = make("div", "planes-line");
  row.planes.forEach((plane, i) => {
    if (i) line.append(make("span", "sign", row.signs[i - 1] ?? ""));
    line.append(planeElement(plane, words));
  });
  const columns = row.planes.map((plane) => plane.cells[0].length + 1);
  line.style.setProperty("--all", columns.reduce((a, b) => a + b, 0));
  line.style.setProperty("--widest", Math.max(...columns));
  if (row.arrows.length) {
    line.classList.add("with-arrows");
    line.redraw = () => line.isConnected && drawArrows(line, row.arrows);
    new ResizeObserver(line.redraw).observe(line);
  }
  section.append(line);
  return section;
}

// Arrows between cells, drawn again whenever the line changes its size: where the cells stand depends on the page.
// What is shown may say which one is strong, up to which they are drawn, and which one runs (motion.js).
function drawArrows(line, arrows) {
  const frame = line.getBoundingClientRect();
  const tables = line.querySelectorAll("table");
  const middle = (plane, row, column) => {
    const cell = tables[plane].querySelector(`[data-at="${row},${column}"]`).getBoundingClientRect();
    return [cell.left + cell.width / 2 - frame.left, cell.top + cell.height / 2 - frame.top, cell.width / 2];
  };
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "arrows");
  svg.setAttribute("aria-hidden", "true");
  for (const [i, [from, r, c, to, row, column, isStrong]] of arrows.entries()) {
    if (i > (line.until ?? i)) break;
    const [[x, y, half], [u, v, other]] = [middle(from, r, c), middle(to, row, column)];
    const length = Math.hypot(u - x, v - y) || 1;
    const [along, down] = [(u - x) / length, (v - y) / length];
    const [tipX, tipY] = [u - along * other * 0.55, v - down * other * 0.55]; // beside the digit, inside the cell
    const wing = (side) => `L${tipX - 7 * along - side * 4 * down},${tipY - 7 * down + side * 4 * along}`;
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    const strong = line.strong === undefined ? isStrong : line.strong === i;
    path.setAttribute("class", `${strong ? "strong" : ""}${line.runs === i ? " runs" : ""}`);
    path.setAttribute("pathLength", "1");
    path.dataset.arrow = i;
    path.setAttribute("d", `M${x + along * half * 0.8},${y + down * half * 0.8}L${tipX},${tipY}${wing(1)}M${tipX},${tipY}${wing(-1)}`);
    svg.append(path);
  }
  line.querySelector(".arrows")?.remove();
  line.append(svg);
}

function move(root, cell, [rows, columns]) {
  const grid = cell.closest("table");
  const row = Number(cell.dataset.row) + rows;
  const column = Number(cell.dataset.column) + columns;
  grid.querySelector(`[data-row="${row}"][data-column="${column}"]`)?.focus();
}

export default function ({ data, setTriggerValue, parentElement }) {
  let root = parentElement.querySelector(".planes");
  if (!root) {
    root = make("div", "planes");
    root.append(make("div"));
    parentElement.append(root);
  }
  const focused = root.contains(document.activeElement) ? document.activeElement : null;
  const table = focused && [...root.querySelectorAll("table")].indexOf(focused.closest("table"));
  const where = focused && `[data-row="${focused.dataset.row}"][data-column="${focused.dataset.column}"]`;
  root.firstElementChild.replaceChildren(...data.rows.map((row) => rowElement(row, data.words)));
  for (const grid of root.querySelectorAll("table.pick")) {
    if (!grid.querySelector('[tabindex="0"]')) grid.querySelector("[data-pick]").tabIndex = 0;
  }
  motion(root, data.motion);
  if (focused) root.querySelectorAll("table")[table]?.querySelector(where)?.focus();
  const choose = (cell) =>
    setTriggerValue("pick", [cell.dataset.pick, Number(cell.dataset.row), Number(cell.dataset.column)]);
  root.onclick = (event) => {
    const cell = event.target.closest("[data-pick]");
    if (cell) choose(cell);
  };
  root.onkeydown = (event) => {
    const cell = event.target.closest("[data-pick]");
    if (!cell) return;
    if (STEPS[event.key]) move(root, cell, STEPS[event.key]);
    else if (event.key === "Enter" || event.key === " ") choose(cell);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
}
