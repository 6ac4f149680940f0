// A map of a layer beside the photograph: hovering shows a unit's field at once, a click or the arrow keys choose it.
const make = (tag, className) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  return element;
};

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const clamp = (value, size) => Math.max(0, Math.min(size - 1, Math.round(value)));
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key]);

function figure(kind) {
  const element = make("figure");
  const screen = make("div", `screen ${kind}`);
  screen.tabIndex = 0;
  screen.setAttribute("role", "application");
  screen.dataset.pick = kind;
  screen.append(make("img", "under"), make("img", "over"), make("div", "mark hover"), make("div", "mark"));
  const caption = make("figcaption");
  caption.append(make("b"), make("span"));
  element.append(screen, caption);
  return element;
}

function put(mark, [top, left, bottom, right], [height, width]) {
  mark.style.top = `${(100 * top) / height}%`;
  mark.style.left = `${(100 * left) / width}%`;
  mark.style.height = `${(100 * (bottom - top)) / height}%`;
  mark.style.width = `${(100 * (right - left)) / width}%`;
}

const field = (data, cell) => {
  const first = cell.map((index, a) => data.step[a] * index + data.first[a]);
  return [first[0], first[1], first[0] + data.size[0], first[1] + data.size[1]];
};
const clipped = (box, [height, width]) =>
  [Math.max(box[0], 0), Math.max(box[1], 0), Math.min(box[2], height), Math.min(box[3], width)];

// The unit under the pointer: the cell of the map itself, or the one whose field has its middle there.
function unitAt(screen, event, data) {
  const box = screen.getBoundingClientRect();
  const part = [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width];
  if (screen.dataset.pick === "map") return part.map((p, a) => clamp(Math.floor(p * data.map[a]), data.map[a]));
  return part.map((p, a) => clamp((p * data.picture[a] - 0.5 - data.first[a] - (data.size[a] - 1) / 2) / data.step[a], data.map[a]));
}

function show(root, data, cell, hover) {
  const [row, column] = cell;
  root.querySelectorAll(hover ? ".mark.hover" : ".mark:not(.hover)").forEach((mark) => {
    const onMap = mark.parentElement.dataset.pick === "map";
    mark.hidden = false;
    if (onMap) put(mark, [row, column, row + 1, column + 1], data.map);
    else put(mark, clipped(field(data, cell), data.picture), data.picture);
  });
  const [top, left, bottom, right] = clipped(field(data, cell), data.picture);
  root.querySelector(".readout").textContent = fill(data.readout, { row, column, top, left, bottom: bottom - 1, right: right - 1 });
}

export default function ({ data, setTriggerValue, parentElement }) {
  let root = parentElement.querySelector(".field-map");
  if (!root) {
    root = make("div", "field-map");
    const pair = make("div", "pair-of");
    pair.append(figure("map"), figure("photo"));
    root.append(pair, make("p", "readout"));
    parentElement.append(root);
  }
  data.figures.forEach((one, i) => {
    const element = root.querySelectorAll("figure")[i];
    const screen = element.querySelector(".screen");
    element.querySelector("b").textContent = one.title;
    element.querySelector("span").textContent = one.note;
    screen.style.aspectRatio = `${one.shape[1]} / ${one.shape[0]}`;
    screen.setAttribute("aria-label", `${one.title}. ${one.note}. ${data.keys}`);
    const [under, over] = screen.querySelectorAll("img");
    under.src = one.source;
    under.alt = over.alt = "";
    over.hidden = !one.over;
    if (one.over) over.src = one.over;
  });
  root.cell = data.cell;
  const clear = () => {
    root.querySelectorAll(".mark.hover").forEach((mark) => (mark.hidden = true));
    show(root, data, root.cell, false);
  };
  clear();
  const choose = (cell) => {
    root.cell = cell.map((value, a) => clamp(value, data.map[a]));
    clear();
    root.querySelector(".over:not([hidden])")?.setAttribute("hidden", "");
    setTriggerValue("pick", root.cell);
  };
  root.onpointermove = (event) => {
    const screen = event.target.closest("[data-pick]");
    if (screen) show(root, data, unitAt(screen, event, data), true);
  };
  root.onpointerleave = clear;
  root.onclick = (event) => {
    const screen = event.target.closest("[data-pick]");
    if (screen) choose(unitAt(screen, event, data));
  };
  root.onkeydown = (event) => {
    const step = STEPS[event.key];
    if (!step || !event.target.closest("[data-pick]")) return;
    event.preventDefault();
    event.stopPropagation();
    choose(root.cell.map((value, a) => value + step[a]));
  };
}
