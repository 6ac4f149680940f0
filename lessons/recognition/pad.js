// Eight by eight cells to write a digit on; sent when the hand is lifted.
const SIDE = 8;
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const make = (tag, className) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  return element;
};

function build() {
  const root = make("figure", "pad");
  const screen = make("div", "screen");
  screen.tabIndex = 0;
  screen.setAttribute("role", "application");
  for (let i = 0; i < SIDE * SIDE; i++) screen.append(make("i"));
  const clear = make("button", "clear");
  clear.type = "button";
  const caption = make("figcaption");
  caption.setAttribute("aria-live", "polite");
  root.append(make("b"), screen, clear, caption);
  return root;
}

function draw(root, data) {
  const full = data.signs.length - 1;
  root.querySelectorAll(".screen i").forEach((cell, i) => {
    cell.style.opacity = root.cells[i] / full;
    cell.parentElement.children[i].classList.toggle("here", i === root.at[0] * SIDE + root.at[1]);
  });
  root.querySelector("figcaption").textContent = `${data.ink.replace("{count}", root.cells.filter(Boolean).length)}. ${data.keys}`;
}

// A soft pen: full where it is, a third beside it.
function ink(root, data, [row, column]) {
  const full = data.signs.length - 1;
  [[0, 0, full], [0, 1, full / 3], [0, -1, full / 3], [1, 0, full / 3], [-1, 0, full / 3]].forEach(([a, b, level]) => {
    const [r, c] = [row + a, column + b];
    if (r < 0 || c < 0 || r >= SIDE || c >= SIDE) return;
    const i = r * SIDE + c;
    root.cells[i] = Math.max(root.cells[i], Math.round(level));
  });
}

export default function ({ data, setTriggerValue, parentElement }) {
  let root = parentElement.querySelector(".pad");
  if (!root) {
    root = build();
    root.at = [3, 3];
    parentElement.append(root);
  }
  root.cells = [...data.cells].map((sign) => data.signs.indexOf(sign));
  const screen = root.querySelector(".screen");
  root.querySelector("b").textContent = data.title;
  root.querySelector(".clear").textContent = data.clear;
  screen.setAttribute("aria-label", `${data.title}. ${data.keys}`);
  const send = () => setTriggerValue("cells", root.cells.map((level) => data.signs[level]).join(""));
  const place = (event) => {
    const box = screen.getBoundingClientRect();
    const part = [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width];
    return part.map((p) => Math.max(0, Math.min(SIDE - 1, Math.floor(p * SIDE))));
  };
  const write = (event) => {
    root.at = place(event);
    ink(root, data, root.at);
    draw(root, data);
  };
  screen.onpointerdown = (event) => {
    if (event.button) return;
    screen.setPointerCapture(event.pointerId);
    write(event);
    event.preventDefault();
    screen.focus({ preventScroll: true });
  };
  screen.onpointermove = (event) => {
    if (screen.hasPointerCapture(event.pointerId)) write(event);
  };
  screen.onpointerup = send;
  screen.onkeydown = (event) => {
    const step = STEPS[event.key];
    if (step) root.at = root.at.map((value, a) => Math.max(0, Math.min(SIDE - 1, value + step[a])));
    else if (event.key === "Enter" || event.key === " ") {
      const i = root.at[0] * SIDE + root.at[1];
      if (root.cells[i]) root.cells[i] = 0;
      else ink(root, data, root.at);
      send();
    } else return;
    event.preventDefault();
    event.stopPropagation();
    draw(root, data);
  };
  root.querySelector(".clear").onclick = () => {
    root.cells.fill(0);
    draw(root, data);
    send();
  };
  draw(root, data);
}
