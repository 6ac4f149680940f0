// Two pictures on top of each other: the divider uncovers the left one up to where it stands. All of it stays here.
const make = (tag, className) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  return element;
};

function build() {
  const root = make("figure", "before-after");
  const screen = make("div", "screen");
  const range = make("input");
  Object.assign(range, { type: "range", min: 0, max: 100, step: 1 });
  const handle = make("span", "divider");
  handle.append(make("span", "grip"));
  screen.append(make("img", "after"), make("img", "before"), make("b", "left"), make("b", "right"), handle, range);
  screen.append(make("p", "instead"));
  const caption = make("figcaption");
  caption.append(make("span", "keys"), make("span", "note"));
  root.append(screen, caption);
  return root;
}

function place(root, percent, words) {
  const range = root.querySelector("input");
  range.value = percent;
  const now = Number(range.value);
  root.querySelector(".screen").style.setProperty("--at", `${now}%`);
  range.setAttribute("aria-valuetext", words.replace("{percent}", now));
  root.querySelector(".left").style.opacity = now < 4 ? 0 : 1;
  root.querySelector(".right").style.opacity = now > 96 ? 0 : 1;
}

export default function ({ data, parentElement }) {
  let root = parentElement.querySelector(".before-after");
  const isNew = !root;
  if (isNew) {
    root = build();
    parentElement.append(root);
    root.renew = (event) => draw(root, event.detail, false); // what a script of the page has got from the server
    root.addEventListener("renew", root.renew);
  }
  draw(root, data, isNew);
}

function draw(root, data, isNew) {
  const screen = root.querySelector(".screen");
  const range = root.querySelector("input");
  screen.style.aspectRatio = `${data.size[1]} / ${data.size[0]}`;
  screen.style.setProperty("--wide", data.size[1] / data.size[0]);
  screen.classList.toggle("pixels", data.pixels);
  screen.classList.toggle("empty", Boolean(data.instead));
  screen.querySelector(".instead").textContent = data.instead;
  range.disabled = Boolean(data.instead);
  [".before", ".after"].forEach((name, i) => {
    const picture = root.querySelector(name);
    picture.src = data.sides[i].source;
    picture.alt = data.sides[i].alt || data.sides[i].title;
    picture.classList.toggle("signed", data.sides[i].signed);
    picture.draggable = false;
    root.querySelector(i ? ".right" : ".left").textContent = data.sides[i].title;
  });
  root.querySelector(".note").textContent = data.note;
  root.querySelector(".keys").textContent = data.keys;
  range.setAttribute("aria-label", data.name);
  place(root, isNew ? data.at : range.value, data.value);

  const follow = (event) => {
    const box = screen.getBoundingClientRect();
    place(root, Math.round((100 * (event.clientX - box.left)) / box.width), data.value);
  };
  screen.onpointerdown = (event) => {
    if (event.button) return;
    screen.setPointerCapture(event.pointerId);
    follow(event);
    range.focus({ preventScroll: true });
    event.preventDefault();
  };
  screen.onpointermove = (event) => {
    if (screen.hasPointerCapture(event.pointerId)) follow(event);
  };
  range.oninput = () => place(root, range.value, data.value);
  range.onkeydown = (event) => {
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    event.stopPropagation(); // the page turns at arrow keys
    if (!step) return;
    event.preventDefault();
    place(root, Number(range.value) + step * (event.shiftKey ? 10 : 1), data.value);
  };
}
