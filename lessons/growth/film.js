// The channels after every epoch, one frame each. Play shows them one after the other; the page follows where it stops.
const STEP = 800;

function build() {
  const root = document.createElement("div");
  root.className = "film";
  root.innerHTML = '<div class="film-bar"><button type="button"></button><span role="status"></span></div><div></div>';
  return root;
}

export default function ({ data, setTriggerValue, parentElement }) {
  let root = parentElement.querySelector(".film");
  if (!root) parentElement.append((root = build()));
  const [button, said, frame] = [root.querySelector("button"), root.querySelector("span"), root.lastElementChild];
  const last = data.frames.length - 1;
  const show = (at) => {
    root.at = at;
    frame.innerHTML = data.frames[at].html;
    said.textContent = data.frames[at].label;
  };
  const rest = () => {
    clearInterval(root.playing);
    root.playing = null;
    button.textContent = data.play;
  };
  rest();
  show(data.at);
  const stop = () => {
    rest();
    setTriggerValue("stop", root.at);
  };
  button.onclick = () => {
    if (root.playing) return stop();
    button.textContent = data.pause;
    show(root.at === last ? 0 : root.at + 1);
    root.playing = setInterval(() => {
      if (!root.isConnected) rest();
      else if (root.at === last) stop();
      else show(root.at + 1);
    }, STEP);
  };
}
