// What stands below the maps belongs to the unit that it was drawn for. After a click it runs again once it is looked at.
const PAUSE = 250; // milliseconds after the last click

export default function ({ data, parentElement, setStateValue }) {
  let root = parentElement.querySelector(".unit-below");
  if (!root) {
    root = document.createElement("i");
    root.className = "unit-below";
    parentElement.append(root);
  }
  const section = root.closest(".st-key-lab-below");
  if (root.run !== data.run) Object.assign(root, { run: data.run, shown: data.unit }); // all of the page is of one unit
  let isInView = false;
  let timer = null;
  const isStale = () => root.shown.join() !== data.unit.join();
  const look = () => {
    clearTimeout(timer);
    section?.setAttribute("aria-busy", String(isStale()));
    if (isStale() && isInView) timer = setTimeout(() => setStateValue("unit", [...root.shown]), PAUSE);
  };
  const follow = (event) => {
    root.shown = event.detail;
    look();
  };
  const watcher = new IntersectionObserver((entries) => {
    isInView = entries[entries.length - 1].isIntersecting;
    look();
  });
  root.stop?.(); // this function runs anew with every run of its part
  if (section) watcher.observe(section);
  window.addEventListener("unit-shown", follow);
  root.stop = () => {
    clearTimeout(timer);
    watcher.disconnect();
    window.removeEventListener("unit-shown", follow);
  };
  look();
  return () => root.stop();
}
