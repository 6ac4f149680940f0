// Progress lives in localStorage. What the session or the browser knows more than the other travels there.
const PLACE = "deconvviz-progress";

function remembered() {
  try {
    return tidy(JSON.parse(localStorage.getItem(PLACE)));
  } catch {
    return tidy(null);
  }
}

function tidy(given) {
  const solved = {};
  for (const [slug, kinds] of Object.entries(given?.solved ?? {})) {
    if (Array.isArray(kinds) && kinds.length) solved[slug] = kinds.filter((kind) => typeof kind === "string").sort();
  }
  const answers = {};
  for (const [place, one] of Object.entries(given?.answers ?? {})) {
    if (Array.isArray(one?.given) && Array.isArray(one?.times)) answers[place] = { given: one.given, times: one.times };
  }
  const written = {};
  for (const [slug, one] of Object.entries(given?.written ?? {})) {
    if (typeof one?.text === "string" && Array.isArray(one?.met) && Date.parse(one?.time)) written[slug] = one;
  }
  return { solved, last: typeof given?.last === "string" ? given.last : "", answers, written };
}

function both(first, second) {
  const solved = { ...first.solved };
  for (const [slug, kinds] of Object.entries(second.solved)) {
    solved[slug] = [...new Set([...(solved[slug] ?? []), ...kinds])].sort();
  }
  const answers = { ...first.answers };
  for (const [place, one] of Object.entries(second.answers)) {
    if (!(answers[place]?.given.length > one.given.length)) answers[place] = one;
  }
  const written = { ...first.written };
  for (const [slug, one] of Object.entries(second.written)) {
    if (!(Date.parse(written[slug]?.time) > Date.parse(one.time))) written[slug] = one;
  }
  return { solved, last: second.last || first.last, answers, written };
}

const count = (progress) =>
  Object.values(progress.solved).reduce((sum, kinds) => sum + kinds.length, 0) +
  Object.values(progress.answers).reduce((sum, one) => sum + one.given.length, 0) +
  Object.values(progress.written).reduce((sum, one) => sum + Date.parse(one.time), 0);

function keep(progress) {
  try {
    localStorage.setItem(PLACE, JSON.stringify(progress));
  } catch {
    // A browser that keeps nothing: the session still knows it.
  }
}

function button(text, onclick) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.onclick = onclick;
  return made;
}

function save() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(remembered(), null, 2)], { type: "application/json" }));
  link.download = "deconvviz-progress.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// Arrow keys turn the scenes of a lesson, or its pages where it has none, unless they are wanted where the focus is.
function turn(event) {
  const side = { ArrowLeft: "Left", ArrowRight: "Right" }[event.key];
  const focus = event.composedPath()[0];
  const wanted = "input, textarea, select, [contenteditable], [role=radio], [role=option], [role=slider], [role=gridcell], [role=tab], [role=grid]";
  if (!side || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (focus instanceof Element && focus.closest(wanted)) return;
  const scenes = document.querySelector(".st-key-story");
  document.querySelector(scenes ? `.st-key-scene-${side} button:enabled` : `.st-key-turn-${side} a`)?.click();
}

// Streamlit empties the address of a page before it turns to another: that entry of the history gets back what stood
// there, so that Back finds the page as it was left. A link needs no entry of its own for the emptied address.
const isBare = (search) => [...new URLSearchParams(search).keys()].every((key) => key === "lang");
let emptied = "";
let byLink = false;

function clicked(event) {
  emptied = "";
  byLink = event.composedPath().some((part) => part instanceof HTMLAnchorElement);
}

function keepWhatIsLeft() {
  const push = history.pushState.bind(history);
  history.pushState = (state, title, address) => {
    const to = new URL(address, location.href);
    if (to.pathname !== location.pathname) {
      if (emptied && isBare(location.search)) history.replaceState(history.state, "", location.pathname + emptied);
      emptied = "";
    } else if (isBare(to.search) && !isBare(location.search)) {
      emptied = location.search;
      if (byLink) return history.replaceState(state, title, address);
    }
    return push(state, title, address);
  };
}

export default function ({ data, parentElement, setStateValue }) {
  let root = parentElement.querySelector(".progress");
  if (!root) {
    root = document.createElement("div");
    root.className = "progress";
    parentElement.append(root);
    root.cleared = data.cleared;
  }
  if (!window.deconvvizTurns) {
    window.deconvvizTurns = true;
    window.addEventListener("keydown", turn);
    window.addEventListener("click", clicked, { capture: true });
    keepWhatIsLeft();
  }
  if (!window.deconvvizOpened) {
    window.deconvvizOpened = true;
    const asked = new URL(performance.getEntriesByType("navigation")[0].name).pathname.split("/").filter(Boolean).pop();
    if (asked && !data.pages.includes(decodeURIComponent(asked))) {
      setStateValue("unknown", decodeURIComponent(asked));
      // Streamlit says it in English, in a window in front; the page says it in the language of the person.
      setTimeout(() => document.querySelector("[role=dialog] button[aria-label=Close]")?.click(), 300);
    }
  }
  const session = tidy(data);
  if (data.cleared !== root.cleared) {
    root.cleared = data.cleared;
    root.waiting = false;
    keep(session);
  }
  if (!root.waiting) {
    const all = both(remembered(), session);
    keep(all);
    if (count(all) > count(session) || (all.last && !session.last)) setStateValue("stored", { ...all, at: Date.now() });
  }
  const words = data.words;
  if (!words.save) return;
  const note = document.createElement("p");
  note.textContent = words.where;
  note.setAttribute("aria-live", "polite");
  const file = document.createElement("input");
  file.type = "file";
  file.accept = "application/json,.json";
  file.hidden = true;
  file.onchange = async () => {
    let given = null;
    try {
      given = JSON.parse(await file.files[0].text());
    } catch {
      // Said below, as for any other file that is none.
    }
    if (!given || typeof given.solved !== "object") {
      note.textContent = words.bad;
      return;
    }
    const all = both(remembered(), tidy(given));
    keep(all);
    setStateValue("stored", { ...all, at: Date.now() });
  };
  const clear = () => {
    if (!window.confirm(words.sure)) return;
    root.waiting = true; // until the session has forgotten it too
    localStorage.removeItem(PLACE);
    setStateValue("cleared", Date.now());
  };
  root.replaceChildren(button(words.save, save), button(words.read, () => file.click()), button(words.clear, clear), file, note);
}
