// The channels after every epoch, one frame each, in a player; the page follows where it comes to rest.
import { make, player } from "../_kit/draw/motion.js";

function build() {
  const root = make("div", "film");
  const said = make("p");
  said.setAttribute("role", "status");
  root.steps = player(
    (at) => show(root, at),
    (at) => at === root.data.at || root.tell(Math.max(0, at)),
  );
  root.append(root.steps.bar, said, make("div"));
  return root;
}

function show(root, at) {
  const { label, html } = root.data.frames[Math.max(0, at)];
  root.children[1].textContent = label;
  root.lastChild.innerHTML = html;
}

export default function ({ data, setTriggerValue, parentElement }) {
  let root = parentElement.querySelector(".film");
  if (!root) parentElement.append((root = build()));
  Object.assign(root, { data, tell: (at) => setTriggerValue("stop", at) });
  root.steps.stop();
  root.steps.at = data.at;
  root.steps.update(data.words, data.frames.length);
  show(root, data.at);
}
