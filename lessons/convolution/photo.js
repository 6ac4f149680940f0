// A photograph, a close look, what comes out: a click on either picture, or arrow keys, choose an output cell.
const make = (tag, className) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  return element;
};

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const clamp = (value, size) => Math.max(0, Math.min(size - 1, Math.round(value)));

function figure(data) {
  const element = make("figure");
  const screen = make("div", "screen");
  if (data.pick) {
    screen.tabIndex = 0;
    screen.setAttribute("role", "application");
    screen.dataset.pick = data.pick;
  }
  screen.append(make("img"), make("div", "mark"));
  const caption = make("figcaption");
  caption.append(make("strong"), make("span"));
  element.append(screen);
  if (data.ramp) {
    const ends = make("div", "ends");
    ends.append(make("span"), make("span"), make("span"));
    const ramp = make("img", "ramp");
    ramp.alt = "";
    element.append(ramp, ends);
  }
  element.append(caption);
  return element;
}

function fill(element, data, keys) {
  const [title, note] = element.querySelectorAll("figcaption > *");
  title.textContent = data.title;
  note.textContent = data.note;
  const screen = element.querySelector(".screen");
  const picture = screen.querySelector("img");
  picture.src = data.source;
  picture.classList.toggle("signed", Boolean(data.signed));
  picture.alt = data.pick ? "" : `${data.title}: ${data.note}`;
  if (data.pick) screen.setAttribute("aria-label", `${data.title}. ${data.note}. ${keys}`);
  const [top, left, height, width] = data.mark.map((part) => `${100 * part}%`);
  Object.assign(screen.querySelector(".mark").style, { top, left, height, width, minWidth: "8px", minHeight: "8px" });
  if (!data.ramp) return;
  element.querySelector(".ramp").src = data.ramp;
  element.querySelector(".ramp").classList.toggle("signed", Boolean(data.signed));
  element.querySelectorAll(".ends span").forEach((end, i) => (end.textContent = data.ends[i]));
  element.querySelectorAll(".ends span")[1].style.left = `${100 * data.middle}%`;
}

export default function ({ data, setTriggerValue, parentElement }) {
  let root = parentElement.querySelector(".first-photo");
  if (!root) {
    root = make("div", "first-photo");
    root.append(...data.figures.map(figure));
    parentElement.append(root);
  }
  root.querySelectorAll("figure").forEach((element, i) => fill(element, data.figures[i], data.keys));
  root.cell = data.cell;
  const choose = (cell) => {
    root.cell = cell.map((value, axis) => clamp(value, data.out[axis]));
    setTriggerValue("pick", root.cell);
  };
  root.onclick = (event) => {
    const screen = event.target.closest("[data-pick]");
    if (!screen) return;
    const box = screen.getBoundingClientRect();
    // Whole pixels of the screen: their middle is meant, or a picture that lies between two is read a row too high.
    const part = [(event.clientY + 0.5 - box.top) / box.height, (event.clientX + 0.5 - box.left) / box.width];
    if (screen.dataset.pick === "output") choose(part.map((value, axis) => Math.floor(value * data.out[axis])));
    else choose(part.map((value, axis) =>
      (Math.floor(value * data.size[axis]) + data.first[axis] - (data.spans[axis] - 1) / 2) / data.stride[axis]));
  };
  root.onkeydown = (event) => {
    const step = STEPS[event.key];
    if (!step || !event.target.closest("[data-pick]")) return;
    event.preventDefault();
    event.stopPropagation();
    choose(root.cell.map((value, axis) => value + step[axis] * (event.shiftKey ? 10 : 1)));
  };
}
