// A picture that is covered where its map stays below a threshold. Texts come translated and are only set as text.
export default function ({ data, setTriggerValue, parentElement }) {
  const element = (name, kind) => {
    const made = document.createElement(name);
    if (kind) made.className = kind;
    return made;
  };
  let root = parentElement.querySelector(".threshold");
  if (!root) {
    root = element("figure", "threshold");
    const look = element("div", "look");
    look.append(element("img"), element("canvas"));
    const line = element("label");
    line.append(element("span"), element("input"), element("output"));
    root.append(look, element("figcaption"), line);
    parentElement.append(root);
  }
  const [image, canvas, slider] = ["img", "canvas", "input"].map((name) => root.querySelector(name));
  const [rows, columns] = data.size;
  image.src = data.ground;
  image.alt = data.words.name;
  root.querySelector("figcaption").textContent = data.words.name;
  root.querySelector("label span").textContent = data.words.threshold;
  Object.assign(slider, { type: "range", min: data.stops[0], max: data.stops[1], step: data.stops[2] });
  slider.value = data.stands;
  Object.assign(canvas, { width: columns, height: rows });
  const draw = () => {
    const stop = Number(slider.value);
    const pixels = canvas.getContext("2d").createImageData(columns, rows);
    let left = 0;
    data.percent.forEach((value, i) => {
      if (value >= stop) left += 1;
      else pixels.data.set([160, 160, 160, 235], 4 * i);
    });
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    root.dataset.left = left;
    root.querySelector("output").textContent = `${stop} %`;
    const words = data.words.left.replace("{left}", left).replace("{all}", data.percent.length);
    slider.setAttribute("aria-valuetext", `${stop} %: ${words}`);
  };
  slider.oninput = draw;
  slider.onchange = () => setTriggerValue("stop", Number(slider.value));
  slider.onkeydown = (event) => event.stopPropagation(); // arrow keys turn scenes elsewhere
  draw();
}
