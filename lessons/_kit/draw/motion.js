// Small arrays in motion: a player with buttons, and tables of numbers in which what makes a number lights up together.
// All of it happens in the browser. Texts come translated from Python and are only ever set as text.
export const make = (tag, className, text) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
};

export const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const PACE = 900;
const KINDS = ["frame", "touched", "chosen"];
const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// Buttons that go through steps 0 to count - 1; show(at) is told where they stand, -1 before the first, and rest(at)
// where a person or the last step stopped them.
export function player(show, rest = () => {}) {
  const bar = make("div", "player");
  const self = { bar, at: -1, count: 0, words: {} };
  const where = make("span", "where");
  let timer = null;
  const draw = () => {
    for (const button of bar.querySelectorAll("button")) button.textContent = self.words[button.className];
    if (timer !== null) bar.querySelector(".play").textContent = self.words.pause;
    where.textContent = self.at < 0 ? "" : `${self.at + 1} / ${self.count}`;
  };
  self.stop = () => {
    clearInterval(timer);
    timer = null;
    draw();
  };
  self.go = (at) => {
    self.at = Math.max(-1, Math.min(self.count - 1, at));
    if (self.at === self.count - 1 || !bar.isConnected) self.stop();
    draw();
    show(self.at);
    if (timer === null && bar.isConnected) rest(self.at);
  };
  const button = (name, onclick) => {
    const made = make("button", name);
    made.type = "button";
    made.onclick = onclick;
    bar.append(made);
  };
  const by = (steps) => () => {
    self.stop();
    self.go(self.at + steps);
  };
  button("play", () => {
    if (timer !== null) {
      self.stop();
      return rest(self.at);
    }
    timer = setInterval(() => self.go(self.at + 1), PACE);
    self.go(self.at === self.count - 1 ? 0 : self.at + 1);
  });
  button("undo", by(-1));
  button("step", by(1));
  bar.append(where);
  self.update = (words, count) => {
    Object.assign(self, { words, count });
    draw();
  };
  return self;
}

// Tables under `root` whose cells have data-at="row,column". Called each time after they were filled; `data` is what
// lessons/_kit/draw/motion.py makes, or null.
export function motion(root, data) {
  if (!data) {
    root.motion?.end();
    root.motion = null;
    return;
  }
  root.motion ??= lights(root);
  root.motion.update(data);
}

function lights(root) {
  const box = make("section", "motion");
  const sum = make("p", "sum");
  const said = make("p", "said");
  sum.setAttribute("aria-hidden", "true");
  said.setAttribute("role", "status");
  const steps = player(() => show(-1, -1));
  box.append(steps.bar, sum, said);
  const hands = new AbortController();
  const classes = new Map();
  const texts = new Map();
  let [data, pointed, term, given, boxes, sliders] = [null, -1, -1, "", [], []];

  const tables = () => [...root.querySelectorAll("table")];
  const cell = ([table, row, column]) => tables()[table]?.querySelector(`[data-at="${row},${column}"]`);
  const where = (td) => `${tables().indexOf(td.closest("table"))},${td.dataset.at}`;
  const holder = (td) => td.querySelector("span") ?? td;
  const dress = (td, change) => {
    if (!classes.has(td)) classes.set(td, td.className);
    change(td.classList);
  };

  function put(td, text, tint) {
    if (!texts.has(td)) texts.set(td, [holder(td).textContent, td.style.getPropertyValue("--tint"), td.ariaLabel]);
    holder(td).textContent = text;
    td.style.setProperty("--tint", Math.abs(tint));
    td.ariaLabel = td.ariaLabel.replace(/: [^:]*$/, `: ${text}`);
    dress(td, (list) => {
      list.toggle("positive", tint > 0);
      list.toggle("negative", tint < 0);
    });
  }

  function restore() {
    for (const [td, [text, tint, label]] of texts) {
      holder(td).textContent = text;
      td.style.setProperty("--tint", tint);
      td.ariaLabel = label;
    }
    for (const [td, name] of classes) td.className = name;
    forget();
  }

  function forget() {
    texts.clear();
    classes.clear();
  }

  // What the tables hold after the played steps: the cells that are made start empty.
  function fill() {
    for (const [table, text] of Object.entries(data.empty)) {
      for (const td of tables()[table].querySelectorAll("td[data-at]:not(.ghost, .cut)")) put(td, text, 0);
    }
    const last = new Map(data.steps.slice(0, steps.at + 1).flatMap((step) => step.sets).map((one) => [one.slice(0, 3).join(), one]));
    for (const [table, row, column, text, tint] of last.values()) put(cell([table, row, column]), text, tint);
  }

  // What the step is made of takes the place of what is marked at rest, unless it is what was chosen there.
  function mark(step) {
    const marked = isChosen(step) ? [] : root.querySelectorAll(KINDS.map((kind) => `td.${kind}`).join());
    for (const td of marked) dress(td, (list) => list.remove(...KINDS));
    for (const [, cells] of step.terms) for (const at of cells) dress(cell(at), (list) => list.add("frame"));
    for (const [kind, ...at] of [...step.marks, ["chosen", ...step.at]]) dress(cell(at), (list) => list.add(kind));
  }

  // The sum in the colours of its planes, a term a part that lights up with its cells.
  function write(step) {
    const parts = [];
    if (step) {
      const [symbol, index] = step.name;
      const head = make("span", step.colour);
      head.append(make("i", "", symbol), make("sub", "", index));
      parts.push(head, ` = ${step.open}`);
      step.terms.forEach(([factors], i) => {
        const made = make("span", `part${i === term ? " lit" : ""}`);
        made.dataset.term = i;
        factors.forEach(([colour, text], n) => made.append(n ? "·" : "", make("span", colour, text)));
        parts.push(i ? step.join : "", made);
      });
      parts.push(step.close, make("span", step.colour, step.value));
    }
    sum.classList.toggle("hint", !step);
    sum.replaceChildren(...(step ? parts : [data.hint]));
    const say = step ? step.say : data.hint;
    if (said.textContent !== say) said.textContent = say;
    for (const at of step?.terms[term]?.[1] ?? []) dress(cell(at), (list) => list.add("lit"));
  }

  // A frame goes to where the step is in the tables that it moves over: it slides there, or falls.
  function slide(step) {
    for (const slider of sliders) slider.remove();
    const before = boxes;
    [boxes, sliders] = [[], []];
    if (!step || pointed >= 0) return;
    const from = root.getBoundingClientRect();
    for (const [n, table] of data.over.entries()) {
      const under = step.terms.flatMap(([, cells]) => cells).filter(([t]) => t === table);
      const found = under.map((at) => cell(at).getBoundingClientRect());
      if (!found.length) continue;
      const edge = (least, side) => least(...found.map((one) => one[side]));
      const [left, top] = [edge(Math.min, "left"), edge(Math.min, "top")];
      const place = { left: `${left - from.left}px`, top: `${top - from.top}px`, width: `${edge(Math.max, "right") - left}px`, height: `${edge(Math.max, "bottom") - top}px` };
      const slider = make("div", "slider");
      Object.assign(slider.style, place);
      root.append(slider);
      sliders.push(slider);
      boxes[n] = place;
      const start = data.falls ? { ...place, opacity: 0, transform: "translateY(-32px) scale(1.3)" } : (before[n] ?? place);
      if (!isStill()) slider.animate([start, place], { duration: 300, easing: "ease-in-out" });
    }
  }

  // Arrows of a line of tables: those of the step are strong, those of later steps are not there yet.
  function arrows(step) {
    root.querySelectorAll(".with-arrows").forEach((line, n) => {
      const isPlayed = steps.at >= 0;
      line.strong = step && !isChosen(step) ? step.strong[n] : undefined;
      line.until = isPlayed ? data.steps[steps.at].until[n] : undefined;
      line.runs = isPlayed && pointed < 0 && !isStill() ? line.until : undefined;
      line.redraw?.();
    });
  }

  const isChosen = (step) => steps.at < 0 && (classes.get(cell(step.at)) ?? cell(step.at).className).includes("chosen");

  function draw() {
    restore();
    const step = data.steps[pointed >= 0 ? pointed : steps.at];
    if (steps.at >= 0) fill();
    if (step) mark(step);
    write(step);
    slide(data.steps[steps.at]);
    arrows(step);
  }

  function show(step, part) {
    [pointed, term] = [step, part];
    draw();
  }

  function point(event) {
    const part = event.target.closest?.(".motion .part");
    const td = event.target.closest?.("td[data-at]");
    const shown = pointed >= 0 ? pointed : steps.at;
    if (part) return Number(part.dataset.term) === term || show(shown, Number(part.dataset.term));
    if (!td) return;
    const at = where(td);
    let step = data.steps.findIndex((one) => one.at.join() === at || one.also.some((other) => other.join() === at));
    let found = -1;
    if (step < 0) {
      for (step of shown >= 0 ? [shown] : data.rest) {
        found = data.steps[step].terms.findIndex(([, cells]) => cells.some((other) => other.join() === at));
        if (found >= 0) break;
      }
      if (found < 0) return;
    }
    if (step === shown && found === term) return;
    steps.stop();
    show(step === steps.at ? -1 : step, found);
  }

  const leave = (event) => {
    if (event.pointerType !== "touch" && (pointed >= 0 || term >= 0)) show(-1, -1);
  };
  const listen = (name, told) => root.addEventListener(name, told, { signal: hands.signal });
  listen("pointerover", point);
  listen("focusin", point);
  listen("pointerleave", leave);
  listen("focusout", (event) => root.contains(event.relatedTarget) || leave(event));
  const watch = new ResizeObserver(() => sliders.length && slide(data.steps[steps.at]));
  watch.observe(root);

  return {
    end() {
      hands.abort();
      watch.disconnect();
      steps.stop();
      for (const part of [box, ...sliders]) part.remove();
    },
    update(fresh) {
      forget();
      if (!box.isConnected) (root.querySelector(".motion-place") ?? root).append(box);
      const text = JSON.stringify(fresh);
      if (text !== given) {
        [data, given, pointed, term, boxes] = [fresh, text, -1, -1, []];
        steps.stop();
        steps.at = -1;
      }
      steps.update(data.words, data.count);
      draw();
    },
  };
}
