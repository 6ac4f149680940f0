// On a telephone the scene covers the lower part of the page: what to look at comes into the rest, once a scene is
// turned and when the lesson opens, where the headline stands above it.
const BAR = 64, SPACE = 12;
// Milliseconds after the turn: the picture may be drawn late, and the page change its height.
const LOOKS = [250, 800, 1600, 3200];

function bring(data) {
  const story = document.querySelector(".st-key-story");
  const column = story?.closest("[data-testid=stColumn]");
  const framed = data.parts ? [...document.querySelectorAll(data.parts)].filter((part) => part.offsetParent) : [];
  const picture = column?.parentElement.querySelector("[data-testid=stColumn]:not(:has(.st-key-story))");
  const boxes = (framed.length ? framed : [picture]).filter(Boolean).map((part) => part.getBoundingClientRect());
  if (!boxes.length) return;
  const [first, end] = [Math.min(...boxes.map((box) => box.top)), Math.max(...boxes.map((box) => box.bottom))];
  const [top, bottom] = [BAR + SPACE, column.getBoundingClientRect().top - SPACE];
  if (first >= top && end <= bottom) return;
  document.querySelector(".stMain").scrollBy(0, first - Math.max(top, (top + bottom - (end - first)) / 2));
}

export default function ({ data, parentElement }) {
  const last = parentElement.dataset.scene;
  parentElement.dataset.scene = data.scene;
  if (last === String(data.scene) || !matchMedia("(max-width: 640px)").matches) return;
  const looks = LOOKS.map((after) => setTimeout(() => bring(data), after));
  // Who moves the page themselves keeps it where it is.
  document.addEventListener("touchmove", () => looks.forEach(clearTimeout), { once: true, passive: true });
}
