// Tables of numbers: cells to type over, cells to choose. What is being typed is never overwritten by a redraw, so the
// tables are kept and only their cells are filled again. Texts come translated and are only ever set as text.
import { make, motion, STEPS } from "../_kit/draw/motion.js";

const target = (td) => td?.querySelector("input") ?? td;

function inputOf(td) {
  const input = make("input");
  Object.assign(input, { type: "text", autocomplete: "off", spellcheck: false, enterKeyHint: "done" });
  let fresh = false;
  input.onfocus = () => {
    fresh = true;
    input.select();
  };
  input.onmouseup = (event) => {
    if (fresh) event.preventDefault();
    fresh = false;
  };
  td.classList.add("typed");
  td.append(input);
  return input;
}

function fill(td, grid, [text, tint, kinds, row, column], words) {
  const input = td.querySelector("input");
  td.className = `${kinds} ${input ? "typed" : ""} ${tint > 0 ? "positive" : tint < 0 ? "negative" : ""}`;
  td.style.setProperty("--tint", Math.abs(tint));
  const name = `${words.row} ${row}, ${words.column} ${column}`;
  if (input) {
    if (document.activeElement !== input || input.value === input.dataset.shown) input.value = text;
    input.dataset.shown = text;
    input.setAttribute("aria-label", `${grid.title}: ${name}`);
    input.setAttribute("aria-invalid", String(kinds.includes("bad")));
    return;
  }
  td.textContent = text;
  td.setAttribute("aria-label", `${name}: ${text}`);
  if (td.dataset.pick) td.setAttribute("aria-selected", String(kinds.includes("chosen")));
}

function table(grid) {
  const active = grid.pick || grid.edit;
  const element = make("table", `plane ${grid.colour}${active ? " pick" : ""}`);
  if (active) element.setAttribute("role", "grid");
  element.dataset.part = grid.part;
  element.append(make("caption"));
  const body = make("tbody");
  const head = make("tr");
  head.append(make("td", "corner"), ...grid.columns.map(() => make("th")));
  body.append(head);
  for (const cells of grid.cells) {
    const line = make("tr");
    line.append(make("th"));
    for (const [, , , row, column] of cells) {
      const td = make("td");
      if (active) td.setAttribute("role", "gridcell");
      Object.assign(td.dataset, { row, column, at: `${row},${column}` });
      if (row >= 0 && column >= 0 && row < grid.size[0] && column < grid.size[1]) {
        if (grid.edit) Object.assign(inputOf(td).dataset, { edit: grid.edit, channel: grid.channel, row, column });
        else if (grid.pick) td.dataset.pick = grid.pick;
      }
      line.append(td);
    }
    body.append(line);
  }
  element.append(body);
  return element;
}

function fillTable(element, grid, words) {
  element.caption.textContent = grid.title;
  const [head, ...lines] = element.tBodies[0].rows;
  grid.columns.forEach((number, c) => (head.cells[c + 1].textContent = number));
  grid.cells.forEach((cells, r) => {
    lines[r].cells[0].textContent = grid.rows[r];
    cells.forEach((cell, c) => fill(lines[r].cells[c + 1], grid, cell, words));
  });
  if (!grid.pick && !grid.edit) return;
  const stops = [...element.querySelectorAll("[data-pick], input")];
  const first = stops.find((stop) => stop === document.activeElement) ?? target(element.querySelector("td.chosen")) ?? stops[0];
  for (const stop of stops) stop.tabIndex = stop === first ? 0 : -1;
}

function lineElement(line) {
  const section = make("section", "planes-row");
  if (line.title) section.append(make("h2"));
  const row = make("div", "planes-line");
  line.grids.forEach((grid, i) => {
    if (i) row.append(make("span", "sign"));
    row.append(table(grid));
  });
  const columns = line.grids.map((grid) => grid.cells[0].length + 1);
  row.style.setProperty("--all", columns.reduce((a, b) => a + b, 0));
  row.style.setProperty("--widest", Math.max(...columns));
  const error = make("p", "cell-error");
  error.setAttribute("role", "alert");
  section.append(row, error);
  return section;
}

function fillLine(section, line, words) {
  const title = section.querySelector("h2");
  if (title) title.textContent = line.title;
  section.querySelectorAll(".sign").forEach((sign, i) => (sign.textContent = line.signs[i] ?? ""));
  section.querySelectorAll("table").forEach((element, i) => fillTable(element, line.grids[i], words));
  const error = section.querySelector(".cell-error");
  if (error.textContent !== line.error) error.textContent = line.error;
}

function build(data) {
  const root = make("div", "first-cells");
  const bar = make("div", "switches");
  for (const [name] of data.switches) {
    const button = make("button");
    Object.assign(button, { type: "button" });
    button.dataset.press = name;
    bar.append(button);
  }
  const body = make("div", "with-total");
  const lines = make("div", "lines");
  lines.append(...data.lines.map(lineElement));
  body.append(lines);
  if (data.total) {
    const part = make("div", "total");
    part.append(make("span", "sign", "="), table(data.total));
    body.append(part);
  }
  const columns = (line) => line.grids.reduce((sum, grid) => sum + grid.cells[0].length + 1, 0);
  const widest = Math.max(0, ...data.lines.map(columns)) + (data.total ? data.total.cells[0].length + 1 : 0);
  body.style.setProperty("--columns", widest);
  const after = make("div", "lines after");
  after.append(...data.after.map(lineElement));
  root.append(bar, body, make("div", "motion-place"), after);
  return root;
}

// Focus events have no on-properties: listened to once, when the tables are made.
function listen(root) {
  root.addEventListener("focusout", (event) => event.target.matches("input") && root.commit(event.target));
  root.addEventListener("focusin", (event) => {
    const grid = event.target.closest("table");
    if (!grid) return;
    for (const stop of grid.querySelectorAll("[data-pick], input")) stop.tabIndex = stop === event.target ? 0 : -1;
  });
}

const shape = (grid) => grid && [grid.pick, grid.edit, grid.channel, grid.colour, grid.cells.length, grid.cells[0].length, grid.cells[0][0].slice(3)];
const lineShape = (line) => [Boolean(line.title), ...line.grids.map(shape)];

function step(td, [rows, columns]) {
  const row = Number(td.dataset.row) + rows;
  const column = Number(td.dataset.column) + columns;
  const next = target(td.closest("table").querySelector(`td[data-row="${row}"][data-column="${column}"]`));
  if (next?.tabIndex === undefined || !next.matches("[data-pick], input")) return;
  next.focus();
}

const atEdge = (input, key) =>
  key === "ArrowUp" || key === "ArrowDown" ||
  (input.selectionStart === 0 && input.selectionEnd === input.value.length) ||
  (key === "ArrowLeft" ? input.selectionEnd === 0 : input.selectionStart === input.value.length);

export default function ({ data, setTriggerValue, parentElement }) {
  let root = parentElement.querySelector(".first-cells");
  const wanted = JSON.stringify([data.lines.map(lineShape), shape(data.total), data.after.map(lineShape), data.switches.length]);
  if (!root || root.dataset.shape !== wanted) {
    const focused = root?.contains(document.activeElement) && document.activeElement.closest("button")?.dataset.press;
    const fresh = build(data);
    fresh.dataset.shape = wanted;
    listen(fresh);
    root ? root.replaceWith(fresh) : parentElement.append(fresh);
    root = fresh;
    if (focused) root.querySelector(`[data-press="${focused}"]`)?.focus();
  }
  root.querySelectorAll(".switches button").forEach((button, i) => {
    button.textContent = data.switches[i][1];
    button.setAttribute("aria-pressed", String(data.switches[i][2]));
  });
  root.querySelectorAll(".with-total > .lines > section").forEach((section, i) => fillLine(section, data.lines[i], data.words));
  if (data.total) fillTable(root.querySelector(".total table"), data.total, data.words);
  root.querySelectorAll(".after > section").forEach((section, i) => fillLine(section, data.after[i], data.words));
  motion(root, data.motion);

  const choose = (td) => setTriggerValue("pick", [td.dataset.pick, Number(td.dataset.row), Number(td.dataset.column)]);
  const commit = (input) => {
    if (input.value === input.dataset.shown) return;
    input.dataset.shown = input.value;
    const { edit, channel, row, column } = input.dataset;
    setTriggerValue("edit", [edit, Number(channel), Number(row), Number(column), input.value]);
  };
  root.onclick = (event) => {
    const button = event.target.closest("[data-press]");
    const td = event.target.closest("td[data-pick]");
    if (button) setTriggerValue("press", button.dataset.press);
    if (td) choose(td);
  };
  root.commit = commit;
  root.onkeydown = (event) => {
    const td = event.target.closest("td");
    if (!td) return;
    event.stopPropagation();
    const input = event.target.matches("input") ? event.target : null;
    if (STEPS[event.key] && (!input || atEdge(input, event.key))) step(td, STEPS[event.key]);
    else if (input && event.key === "Enter") {
      commit(input);
      input.select();
    } else if (input && event.key === "Escape") {
      input.value = input.dataset.shown;
      input.select();
    } else if (!input && (event.key === "Enter" || event.key === " ")) choose(td);
    else return;
    event.preventDefault();
  };
}
