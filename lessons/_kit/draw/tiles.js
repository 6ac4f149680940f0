// A row of tiles of which one is chosen: a radio group. Arrow keys walk it and choose, as radio groups do.
const STEP = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity };

function tile(item) {
  const button = document.createElement('button');
  button.type = 'button';
  button.dataset.id = item.id;
  button.setAttribute('role', 'radio');
  button.setAttribute('aria-label', item.label);
  button.innerHTML = '<b></b><img alt=""><i></i><i></i>';
  button.querySelector('b').textContent = item.name;
  button.title = item.label;
  button.querySelector('img').src = `data:image/png;base64,${item.png}`;
  button.querySelectorAll('i').forEach((line, i) => { line.textContent = item.lines[i] ?? ''; line.hidden = !item.lines[i]; });
  return button;
}

export default function ({ data, parentElement, setStateValue }) {
  let root = parentElement.querySelector('.tiles');
  if (!root) {
    root = document.createElement('div');
    root.innerHTML = '<div class="row" role="radiogroup"></div>';
    parentElement.appendChild(root);
  }
  const row = root.firstElementChild;
  root.className = `tiles ${data.wrap ? 'wrap' : ''} ${data.pixels ? 'pixels' : ''}`;
  row.className = `row ${data.wrap ? '' : 'strip'}`;
  root.style.setProperty('--tile', `${data.size}px`);
  row.setAttribute('aria-label', data.title);
  const focused = root.getRootNode().activeElement?.dataset?.id;
  if (root.version !== data.version) {
    root.version = data.version;
    row.replaceChildren(...data.items.map(tile));
  }
  const tiles = [...row.children];
  const mark = (id) => {
    const known = tiles.some((t) => t.dataset.id === id);
    tiles.forEach((t, i) => {
      t.setAttribute('aria-checked', String(t.dataset.id === id));
      t.tabIndex = t.dataset.id === id || (!known && i === 0) ? 0 : -1;
    });
    const chosen = tiles.find((t) => t.dataset.id === id);
    if (chosen && !data.wrap) {
      const off = chosen.offsetLeft - row.offsetLeft;
      if (off < row.scrollLeft || off + chosen.offsetWidth > row.scrollLeft + row.clientWidth) {
        row.scrollLeft = off - (row.clientWidth - chosen.offsetWidth) / 2;
      }
    }
  };
  const choose = (id) => {
    mark(id);
    root.picks = (root.picks ?? 0) + 1;
    performance.mark('tile-pick');
    setStateValue('pick', { id, count: root.picks, time: Date.now() });
  };
  mark(data.chosen);
  if (focused) tiles.find((t) => t.dataset.id === focused)?.focus();
  row.onclick = (event) => {
    const button = event.target.closest('button');
    if (button) { button.focus(); choose(button.dataset.id); }
  };
  row.onkeydown = (event) => {
    const step = STEP[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const at = tiles.indexOf(event.target.closest('button'));
    const next = tiles[Math.min(tiles.length - 1, Math.max(0, at + step))];
    if (next === tiles[at]) return;
    next.focus();
    choose(next.dataset.id);
  };
}
