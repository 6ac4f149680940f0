// The chosen unit. A pick is answered by the server beside the run of the page: the answer is put on the page here, and
// then the parts that follow run. Where there is no answer, the page runs as a whole.
const SOON = 150; // milliseconds after which a map that is still to come is marked

const same = (one, other) => one && other && one.every((part, i) => part === other[i]);
const named = ([channel, row, column]) => ({ channel, row, column });

function divider() {
  for (const part of document.querySelectorAll(".st-key-lab-large *")) {
    const found = part.shadowRoot?.querySelector(".before-after");
    if (found) return found;
  }
  return null;
}

// What it saw of another unit, in the place of what stands there.
function put(answer) {
  const large = divider();
  const panels = document.querySelector(".lab-panels");
  const photo = document.querySelector(".lab-photo");
  if (!large || !panels || !photo) return false;
  large.dispatchEvent(new CustomEvent("renew", { detail: answer.large }));
  panels.outerHTML = answer.rest;
  photo.querySelector("div span").style.cssText = answer.frame;
  photo.querySelector("img").alt = answer.alt;
  photo.querySelector("figcaption").textContent = answer.caption;
  return true;
}

export default function ({ data, parentElement, setStateValue }) {
  let root = parentElement.querySelector(".unit-follow");
  if (!root) {
    root = document.createElement("i");
    root.className = "unit-follow";
    root.hidden = true;
    root.count = Date.now(); // grows from one script to the next of the same page
    parentElement.append(root);
  }

  const ask = async (unit, tell) => {
    root.count += 1;
    root.request?.abort();
    root.request = new AbortController();
    const { count } = root;
    const see = document.querySelectorAll(".st-key-lab-large, .st-key-lab-others");
    const busy = (is) => see.forEach((part) => part.setAttribute("aria-busy", String(is)));
    const slow = setTimeout(() => busy(true), SOON);
    let isShown = false;
    try {
      const body = JSON.stringify({ token: data.token, layer: data.layer, ...named(unit), count });
      const headers = { "Content-Type": "application/json" };
      const response = await fetch("answer/laboratory", { method: "POST", headers, body, signal: root.request.signal });
      if (count !== root.count) return;
      isShown = response.ok && put(await response.json());
    } catch (error) {
      if (error.name === "AbortError" || count !== root.count) return;
    } finally {
      clearTimeout(slow);
      if (count === root.count) busy(false);
    }
    const pick = { layer: data.layer, ...named(unit), count };
    if (!isShown) {
      setStateValue("whole", pick);
      return;
    }
    root.shown = unit;
    if (tell) setStateValue("pick", pick);
    window.dispatchEvent(new CustomEvent("unit-shown", { detail: unit }));
  };

  if (root.run !== data.run) {
    // The server has drawn this unit: all there is to do is to take back what was put on the page since it last drew it.
    const isStale = root.shown && !same(root.shown, data.unit) && same(root.sent, data.unit) && root.layer === data.layer;
    Object.assign(root, { run: data.run, sent: data.unit, shown: data.unit, layer: data.layer, typed: data.typed });
    if (isStale) ask(data.unit, false);
  } else if (root.typed !== data.typed) {
    root.typed = data.typed;
    ask(data.unit, false);
  }

  const pick = (event) => {
    event.preventDefault();
    const { channel, row, column } = event.detail;
    ask([channel, row, column], true);
  };
  root.stop?.(); // this function runs anew with every run of its part
  window.addEventListener("unit-pick", pick);
  root.stop = () => window.removeEventListener("unit-pick", pick);
  return () => root.stop();
}
