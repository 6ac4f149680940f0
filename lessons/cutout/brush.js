// Seeds by hand on a photograph: dots set with the mouse, a finger or the keyboard; sent when the hand is lifted.
const make = (tag, className) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  return element;
};

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const SIGNS = { o: "+", b: "−" };

function build() {
  const root = make("figure", "brush");
  const screen = make("div", "screen");
  screen.tabIndex = 0;
  screen.setAttribute("role", "application");
  screen.append(make("img", "under"), make("img", "over"), make("div", "dots"), make("div", "cross"));
  const head = make("div", "head");
  head.append(make("b"), make("span", "count"));
  const tools = make("div", "tools");
  tools.setAttribute("role", "radiogroup");
  const caption = make("figcaption");
  caption.append(make("span", "keys"), make("span", "note"));
  root.append(head, screen, tools, caption);
  return root;
}

const decode = (text) =>
  (text.match(/.{5}/g) || []).map((one) => [one[0], parseInt(one.slice(1, 3), 36), parseInt(one.slice(3), 36)]);
const digits = (value) => value.toString(36).padStart(2, "0");
const encode = (dots) => dots.map(([kind, row, column]) => kind + digits(row) + digits(column)).join("");

function draw(root, data) {
  const box = root.querySelector(".dots");
  const wide = (200 * data.radius * Math.max(...data.size)) / data.size[1];
  box.replaceChildren(...root.dots.map(([kind, row, column]) => {
    const dot = make("span", kind);
    dot.textContent = SIGNS[kind];
    Object.assign(dot.style, { top: `${(100 * row) / data.fine}%`, left: `${(100 * column) / data.fine}%`, width: `${wide}%` });
    return dot;
  }));
  root.querySelector(".count").textContent = data.count.replace("{count}", root.dots.length);
  const cross = root.querySelector(".cross");
  cross.style.top = `${(100 * root.at[0]) / data.fine}%`;
  cross.style.left = `${(100 * root.at[1]) / data.fine}%`;
  root.querySelectorAll(".tools [role=radio]").forEach((button) => {
    const chosen = button.dataset.kind === root.tool;
    button.setAttribute("aria-checked", chosen);
    button.tabIndex = chosen ? 0 : -1;
  });
  root.querySelector(".clear").disabled = !root.dots.length;
}

// Sets or removes a dot; false where nothing changes, as when the hand has not moved far enough for another one.
function touch(root, data, at, apart) {
  const longer = Math.max(...data.size);
  const far = (dot) => Math.hypot(...[0, 1].map((a) => ((dot[a + 1] - at[a]) / data.fine) * data.size[a])) / longer;
  if (root.tool === "x") {
    const left = root.dots.filter((dot) => far(dot) > 1.5 * data.radius);
    if (left.length === root.dots.length) return false;
    root.dots = left;
  } else {
    const last = root.dots[root.dots.length - 1];
    if (root.dots.length >= data.most || (apart && last && far(last) < 1.2 * data.radius)) return false;
    root.dots = [...root.dots, [root.tool, ...at]];
  }
  draw(root, data);
  return true;
}

export default function ({ data, setTriggerValue, parentElement }) {
  let root = parentElement.querySelector(".brush");
  if (!root) {
    root = build();
    root.tool = "o";
    root.at = [data.fine >> 1, data.fine >> 1];
    parentElement.append(root);
  }
  const screen = root.querySelector(".screen");
  const tools = root.querySelector(".tools");
  root.dots = decode(data.dots);
  root.querySelector(".head b").textContent = data.title;
  root.querySelector(".note").textContent = data.note;
  root.querySelector(".keys").textContent = data.keys;
  screen.setAttribute("aria-label", `${data.title}. ${data.note} ${data.keys}`);
  screen.style.aspectRatio = `${data.size[1]} / ${data.size[0]}`;
  const [under, over] = screen.querySelectorAll("img");
  under.src = data.source;
  over.src = data.over || data.source;
  over.hidden = !data.over;
  under.alt = over.alt = "";
  under.draggable = over.draggable = false;
  tools.setAttribute("aria-label", data.tool);
  if (!tools.childElementCount) {
    data.tools.forEach(([kind]) => {
      const button = make("button", kind);
      button.type = "button";
      button.dataset.kind = kind;
      button.setAttribute("role", "radio");
      tools.append(button);
    });
    const clear = make("button", "clear");
    clear.type = "button";
    tools.after(clear);
  }
  data.tools.forEach(([kind, words]) => {
    tools.querySelector(`[data-kind=${kind}]`).textContent = SIGNS[kind] ? `${SIGNS[kind]} ${words}` : words;
  });
  const clear = root.querySelector(".clear");
  clear.textContent = data.clear;

  const send = () => setTriggerValue("dots", encode(root.dots));
  const place = (event) => {
    const box = screen.getBoundingClientRect();
    const part = [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width];
    return part.map((p) => Math.max(0, Math.min(data.fine, Math.round(p * data.fine))));
  };
  let changed = false;
  screen.onpointerdown = (event) => {
    if (event.button) return;
    screen.setPointerCapture(event.pointerId);
    root.at = place(event);
    changed = touch(root, data, root.at, false);
    event.preventDefault();
    screen.focus({ preventScroll: true });
  };
  screen.onpointermove = (event) => {
    if (!screen.hasPointerCapture(event.pointerId)) return;
    root.at = place(event);
    changed = touch(root, data, root.at, true) || changed;
  };
  screen.onpointerup = screen.onpointercancel = () => {
    if (changed) send();
    changed = false;
  };
  screen.onkeydown = (event) => {
    const step = STEPS[event.key];
    if (step) root.at = root.at.map((value, a) => Math.max(0, Math.min(data.fine, value + step[a] * (event.shiftKey ? 130 : 13))));
    else if (event.key === "Enter" || event.key === " ") {
      if (touch(root, data, root.at, false)) send();
    } else return;
    event.preventDefault();
    event.stopPropagation();
    draw(root, data);
  };
  const take = (kind) => {
    root.tool = kind;
    draw(root, data);
  };
  tools.onclick = (event) => {
    const button = event.target.closest("[data-kind]");
    if (button) take(button.dataset.kind);
  };
  tools.onkeydown = (event) => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const kinds = data.tools.map(([kind]) => kind);
    take(kinds[(kinds.indexOf(root.tool) + step[0] + step[1] + kinds.length) % kinds.length]);
    tools.querySelector("[aria-checked=true]").focus();
  };
  clear.onclick = () => {
    root.dots = [];
    draw(root, data);
    send();
  };
  draw(root, data);
}
