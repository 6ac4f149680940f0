// A map, and a slider over the network's shuffled layers. What has been computed is here: moving it asks nobody.
const make = (tag, className) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  return element;
};

function build() {
  const root = make("figure", "shuffle");
  const range = make("input");
  Object.assign(range, { type: "range", min: 0, step: 1, value: 0 });
  const words = make("figcaption");
  const number = make("p", "number");
  number.append(make("b"), make("span", "measure"));
  words.append(number, make("p", "said"), make("div", "bars"), range, make("p", "label"));
  root.append(make("img"), words);
  return root;
}

function show(root, data) {
  const range = root.querySelector("input");
  const wanted = Number(range.value);
  const step = data.steps[wanted];
  const drawn = step || data.steps[data.steps.length - 1];
  const picture = root.querySelector("img");
  picture.style.visibility = drawn ? "visible" : "hidden";
  if (drawn) picture.src = drawn.source;
  picture.alt = step ? `${data.labels[wanted]}: ${step.value}` : data.waiting;
  root.querySelector("b").textContent = step ? step.value : "…";
  root.querySelector(".said").textContent = step ? step.said : data.waiting;
  root.querySelector(".label").textContent = data.labels[wanted] || "";
  range.setAttribute("aria-valuetext", `${data.labels[wanted] || ""}: ${step ? step.value : data.waiting}`);
  [...root.querySelectorAll(".bars i")].forEach((bar, i) => {
    bar.classList.toggle("here", i === wanted);
    bar.style.height = data.steps[i] ? `${Math.max(4, 100 * Math.max(0, data.steps[i].likeness || 0))}%` : "0";
  });
}

const PAUSE = 1000; // milliseconds that a unit is looked at before anything is computed for it
const EVERY = 400;

function stop(root) {
  clearTimeout(root.pausing);
  clearInterval(root.asking);
  root.watcher?.disconnect();
}

export default function ({ data, setTriggerValue, parentElement }) {
  let root = parentElement.querySelector(".shuffle");
  if (!root) {
    root = build();
    parentElement.append(root);
  }
  const range = root.querySelector("input");
  range.max = data.labels.length - 1;
  range.disabled = data.labels.length < 2;
  range.setAttribute("aria-label", data.name);
  const picture = root.querySelector("img");
  picture.style.aspectRatio = `${data.size[1]} / ${data.size[0]}`;
  picture.classList.toggle("signed", data.signed);
  root.querySelector(".measure").textContent = data.measure;
  const bars = root.querySelector(".bars");
  bars.replaceChildren(...data.labels.map(() => make("i")));
  range.oninput = () => show(root, data);
  range.onkeydown = (event) => event.stopPropagation(); // the page turns at arrow keys
  show(root, data);
  stop(root);
  if (!data.done) {
    // Nothing is computed for who does not look: it is asked for while the section is in view.
    root.watcher = new IntersectionObserver((entries) => {
      clearTimeout(root.pausing);
      clearInterval(root.asking);
      const ask = () => setTriggerValue("more", Date.now());
      const begin = () => {
        ask();
        root.asking = setInterval(ask, EVERY);
      };
      const isInView = entries[entries.length - 1].isIntersecting;
      if (isInView) root.pausing = setTimeout(begin, data.steps.length ? EVERY : PAUSE);
    });
    root.watcher.observe(root);
  }
  return () => stop(root);
}
