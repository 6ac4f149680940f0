// What to look at comes into sight, once a scene is turned and when the lesson opens: on a telephone above the scene,
// which covers the lower part of the page; on a wide screen only where it lies below the first screen.
const BAR = 64, SPACE = 12, LITTLE = 100;
// Milliseconds after the turn, and for how long a picture that is drawn later still, and moves the page, is followed.
const LOOKS = [250, 800, 1600, 3200], FOLLOWED = 20000;

function bring(data) {
  const story = document.querySelector(".st-key-story");
  const column = story?.closest("[data-testid=stColumn]");
  const framed = data.parts ? [...document.querySelectorAll(data.parts)].filter((part) => part.offsetParent) : [];
  const picture = column?.parentElement.querySelector("[data-testid=stColumn]:not(:has(.st-key-story))");
  const boxes = (framed.length ? framed : [picture]).filter(Boolean).map((part) => part.getBoundingClientRect());
  if (!boxes.length) return;
  const [first, end] = [Math.min(...boxes.map((box) => box.top)), Math.max(...boxes.map((box) => box.bottom))];
  const narrow = matchMedia("(max-width: 640px)").matches, page = document.querySelector(".stMain");
  const [top, bottom] = [BAR + SPACE, (narrow ? column.getBoundingClientRect().top : innerHeight) - SPACE];
  const begins = !narrow && first + page.scrollTop + LITTLE <= bottom;
  if (begins ? !page.scrollTop : first >= top && (narrow ? end : first + LITTLE) <= bottom) return;
  page.scrollBy(0, begins ? -page.scrollTop : first - Math.max(top, (top + bottom - (end - first)) / 2));
}

export default function ({ data, parentElement }) {
  const last = parentElement.dataset.scene;
  parentElement.dataset.scene = data.scene;
  if (last === String(data.scene)) return;
  const page = new ResizeObserver(() => bring(data));
  page.observe(document.querySelector(".stMainBlockContainer"));
  const looks = [...LOOKS.map((after) => setTimeout(() => bring(data), after)), setTimeout(() => page.disconnect(), FOLLOWED)];
  // Who moves the page themselves, or turns on, keeps it where it is.
  for (const move of ["touchmove", "wheel", "keydown", "pointerdown"]) {
    document.addEventListener(move, () => { looks.forEach(clearTimeout); page.disconnect(); }, { once: true, passive: true });
  }
}
