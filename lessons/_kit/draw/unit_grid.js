// Feature maps of one layer. A click chooses channel and position at once; arrows walk the maps, Enter takes the
// strongest position, Shift with an arrow moves the position, Page Up and Page Down turn the page.
const STEPS = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };

const bytesOf = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const inflate = async (bytes) =>
  new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'))).arrayBuffer());
const fill = (template, values) => template.replace(/\{(\w+)\}/g, (_, key) => values[key]);
const short = (value) => (value === 0 ? '0' : Math.abs(value) >= 0.01 && Math.abs(value) < 1000 ? value.toPrecision(3) : value.toExponential(1));
const clamp = (value, top) => Math.min(top - 1, Math.max(0, value));

function build(parent) {
  const root = document.createElement('div');
  root.className = 'unit-grid';
  root.innerHTML = '<div class="maps" role="listbox" aria-orientation="horizontal"></div>'
    + '<div class="readout"><span class="hint"></span><span class="value"></span></div>';
  parent.appendChild(root);
  return root;
}

function option(data, i) {
  const button = document.createElement('button');
  button.type = 'button';
  button.dataset.index = i;
  button.setAttribute('role', 'option');
  button.setAttribute('aria-label', data.labels[i]);
  button.innerHTML = '<span class="map"><canvas aria-hidden="true"></canvas></span><span class="name"><b></b><i></i></span>';
  button.querySelector('b').textContent = data.names[i];
  button.querySelector('i').textContent = short(data.peaks[i][2]);
  return button;
}

async function paint(root, data) {
  const { height, width } = data;
  const palette = bytesOf(data.palette);
  const levels = await inflate(bytesOf(data.maps));
  if (root.version !== data.version) return;
  root.levels = levels;
  root.querySelectorAll('canvas').forEach((canvas, i) => {
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext('2d');
    const image = context.createImageData(width, height);
    for (let p = 0; p < height * width; p += 1) {
      const level = 3 * levels[i * height * width + p];
      image.data.set([palette[level], palette[level + 1], palette[level + 2], 255], 4 * p);
    }
    context.putImageData(image, 0, 0);
  });
  root.dataset.painted = data.version;
}

function show(root, data) {
  const chosen = root.chosen;
  const options = [...root.querySelectorAll('[role=option]')];
  const found = chosen ? data.channels.indexOf(chosen.channel) : -1;
  options.forEach((button, i) => {
    button.setAttribute('aria-selected', String(i === found));
    button.tabIndex = i === Math.max(found, 0) ? 0 : -1;
    button.querySelector('.spot')?.remove();
  });
  if (found < 0 || chosen.row === null) return;
  const spot = document.createElement('span');
  spot.className = 'spot';
  spot.style.cssText = `left:${(100 * (chosen.column + 0.5)) / data.width}%;top:${(100 * (chosen.row + 0.5)) / data.height}%;`
    + `width:${100 / data.width}%;height:${100 / data.height}%`;
  options[found].querySelector('.map').appendChild(spot);
}

function valueAt(root, data, i, row, column) {
  const level = root.levels ? root.levels[(i * data.height + row) * data.width + column] : 0;
  return data.low[i] + ((data.high[i] - data.low[i]) * level) / data.levels;
}

function read(root, data, i, row, column) {
  const text = fill(data.text.readout, {
    channel: data.names[i], row, column, value: short(valueAt(root, data, i, row, column)),
  });
  root.querySelector('.value').textContent = text;
}

function cellUnder(event, data) {
  const map = event.target.closest('button')?.querySelector('.map').getBoundingClientRect();
  if (!map) return null;
  return {
    row: clamp(Math.floor(((event.clientY - map.top) / map.height) * data.height), data.height),
    column: clamp(Math.floor(((event.clientX - map.left) / map.width) * data.width), data.width),
  };
}

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector('.unit-grid') ?? build(parentElement);
  const list = root.querySelector('[role=listbox]');
  const pick = (i, row, column) => {
    root.chosen = { channel: data.channels[i], row, column };
    root.picks = (root.picks ?? 0) + 1;
    show(root, data);
    performance.mark('unit-pick');
    // On a page with a script of its own for clicks that one answers, and the server hears of it from there.
    const asked = new CustomEvent('unit-pick', { detail: root.chosen, cancelable: true });
    if (data.asks && !window.dispatchEvent(asked)) return;
    setStateValue('pick', { ...root.chosen, count: root.picks, time: Date.now() });
  };
  const strongest = (i) => pick(i, data.peaks[i][0], data.peaks[i][1]);

  list.setAttribute('aria-label', data.text.title);
  root.querySelector('.hint').textContent = data.text.hint;
  if (root.version !== data.version) {
    root.version = data.version;
    root.levels = null;
    root.style.setProperty('--columns', data.columns);
    root.style.setProperty('--shape', `${data.width} / ${data.height}`);
    const focused = Number(root.getRootNode().activeElement?.dataset.index ?? -1);
    list.replaceChildren(...data.channels.map((_, i) => option(data, i)));
    root.token = null;
    paint(root, data);
    root.querySelector('.value').textContent = '';
    if (focused >= 0) requestAnimationFrame(() => list.children[Math.min(focused, list.children.length - 1)].focus());
  }
  if (root.token !== data.token) {
    root.token = data.token;
    root.chosen = data.selected;
  }
  show(root, data);

  list.onclick = (event) => {
    const button = event.target.closest('button');
    if (!button) return;
    const cell = cellUnder(event, data);
    pick(Number(button.dataset.index), cell.row, cell.column);
  };
  list.onpointermove = (event) => {
    const button = event.target.closest('button');
    const cell = button && cellUnder(event, data);
    if (cell) read(root, data, Number(button.dataset.index), cell.row, cell.column);
  };
  list.onpointerleave = () => { root.querySelector('.value').textContent = ''; };
  list.onfocusin = (event) => {
    const i = Number(event.target.dataset.index);
    read(root, data, i, data.peaks[i][0], data.peaks[i][1]);
  };
  list.onkeydown = (event) => {
    const current = Number(event.target.closest('button')?.dataset.index ?? 0);
    const count = list.children.length;
    const step = STEPS[event.key];
    const columns = getComputedStyle(list).gridTemplateColumns.split(' ').length;
    if (event.key === 'Enter' || event.key === ' ') strongest(current);
    else if (step && event.shiftKey && root.chosen && root.chosen.row !== null) {
      const at = data.channels.indexOf(root.chosen.channel);
      if (at >= 0) pick(at, clamp(root.chosen.row + step[0], data.height), clamp(root.chosen.column + step[1], data.width));
    } else if (step) list.children[clamp(current + step[0] * columns + step[1], count)].focus();
    else if (event.key === 'Home' || event.key === 'End') list.children[event.key === 'Home' ? 0 : count - 1].focus();
    else if (event.key === 'PageDown' || event.key === 'PageUp') {
      root.turns = (root.turns ?? 0) + 1;
      setStateValue('turn', { by: event.key === 'PageDown' ? 1 : -1, count: root.turns, time: Date.now() });
    } else return;
    event.preventDefault();
    event.stopPropagation(); // arrow keys turn the pages of the course
  };
  root.stop?.(); // this function runs anew with every run of its part
  if (!data.asks) return undefined;
  const follow = (event) => {
    const [channel, row, column] = event.detail;
    root.chosen = { channel, row, column };
    show(root, data);
  };
  window.addEventListener('unit-shown', follow);
  root.stop = () => window.removeEventListener('unit-shown', follow);
  return () => root.stop();
}
