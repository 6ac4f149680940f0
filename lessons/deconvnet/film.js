// Every step in a row, the chosen one framed; a player shows them large, from the photograph down to the pixels.
import { make, player } from "../_kit/draw/motion.js";

function build() {
  const root = make("div", "dn-film");
  const screen = make("div", "dn-screen");
  const caption = make("p");
  caption.setAttribute("role", "status");
  screen.append(make("img"), caption);
  root.steps = player((at) => show(root, at));
  root.append(make("div", "film"), root.steps.bar, screen);
  return root;
}

function show(root, at) {
  const { frames, here } = root.data;
  const step = at < 0 ? here : at - 1;
  root.querySelectorAll(".film img").forEach((thumb, i) => (thumb.className = i === step ? "here" : ""));
  const screen = root.querySelector(".dn-screen");
  screen.hidden = at < 0;
  screen.lastChild.textContent = at < 0 ? "" : frames[at][1];
  if (at < 0) return;
  Object.assign(screen.firstChild, { src: frames[at][0], alt: frames[at][1] });
}

export default function ({ data, parentElement }) {
  let root = parentElement.querySelector(".dn-film");
  if (!root) parentElement.append((root = build()));
  const given = JSON.stringify([data.frames, data.here]);
  if (root.given !== given) {
    root.steps.stop();
    root.steps.at = -1;
  }
  Object.assign(root, { data, given });
  root.querySelector(".film").replaceChildren(
    ...data.frames.slice(1).map(([source]) => Object.assign(make("img"), { src: source, alt: "" })),
  );
  root.steps.update(data.words, data.frames.length);
  show(root, root.steps.at);
}
