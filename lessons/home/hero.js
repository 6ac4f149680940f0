// Three pictures that show the same layer; the pointer or the slider chooses how deep. It plays once by itself.
const STEP = 900;

function make(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

function build(data) {
  const root = make("div", "hero");
  const row = make("div", "row");
  for (const one of data.rows) {
    const figure = make("figure", "");
    const head = make("figcaption", "");
    head.append(make("b", "", one.name), make("span", "", one.line));
    const frame = make("div", "frame");
    one.pictures.forEach((source, i) => {
      const layer = make(source ? "img" : "p", "layer", source ? "" : data.none);
      if (source) {
        layer.src = source;
        layer.alt = data.alt.replace("{method}", one.name).replace("{layer}", data.steps[i]);
        layer.draggable = false;
      }
      frame.append(layer);
    });
    figure.append(head, frame);
    row.append(figure);
  }
  const range = make("input", "");
  Object.assign(range, { type: "range", min: 0, max: data.steps.length - 1, step: 1, value: 0 });
  range.setAttribute("aria-label", data.label);
  const ticks = make("div", "ticks");
  data.steps.forEach((name) => ticks.append(make("span", "", name)));
  root.append(row, range, ticks, make("p", "keys", data.keys));
  return root;
}

function show(root, data, at) {
  root.querySelector("input").value = at;
  root.querySelector("input").setAttribute("aria-valuetext", data.steps[at]);
  root.querySelectorAll(".frame").forEach((frame) => {
    [...frame.children].forEach((layer, i) => {
      layer.classList.toggle("on", i === at);
      layer.setAttribute("aria-hidden", String(i !== at));
    });
  });
  root.querySelectorAll(".ticks span").forEach((tick, i) => tick.classList.toggle("on", i === at));
}

// The head of the page as the server sent it (lessons/_app/first_look.py) goes once these pictures are there.
async function takeOver(root) {
  await Promise.allSettled([...root.querySelectorAll("img.on")].map((image) => image.decode()));
  document.getElementById("first-look")?.remove();
}

export default function ({ data, parentElement }) {
  const words = JSON.stringify([data.steps, data.rows.map((one) => one.name), data.keys]);
  let root = parentElement.querySelector(".hero");
  const isNew = !root;
  if (!isNew && root.words === words) return;
  const at = isNew ? 0 : Number(root.querySelector("input").value);
  root?.remove();
  root = build(data);
  root.words = words;
  parentElement.append(root);
  const last = data.steps.length - 1;
  show(root, data, at);
  if (isNew) takeOver(root);
  let playing = null;
  const stop = () => clearInterval(playing);
  const range = root.querySelector("input");
  range.oninput = () => { stop(); show(root, data, Number(range.value)); };
  range.onkeydown = (event) => { stop(); event.stopPropagation(); };
  root.querySelectorAll(".frame").forEach((frame) => {
    frame.onpointermove = (event) => {
      stop();
      const box = frame.getBoundingClientRect();
      show(root, data, Math.min(last, Math.max(0, Math.floor(((last + 1) * (event.clientX - box.left)) / box.width))));
    };
  });
  if (!isNew) return;
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
    show(root, data, 3);
    return;
  }
  playing = setInterval(() => {
    const next = Number(range.value) + 1;
    if (next > last || !root.isConnected) { stop(); if (root.isConnected) show(root, data, 3); return; }
    show(root, data, next);
  }, STEP);
}
