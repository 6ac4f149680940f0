// Copies the address of the page, which holds every choice.
export default function ({ data, parentElement }) {
  let root = parentElement.querySelector('.copy');
  if (!root) {
    root = document.createElement('div');
    root.className = 'copy';
    root.innerHTML = '<button type="button"></button><p aria-live="polite"></p>';
    parentElement.appendChild(root);
  }
  const [button, note] = root.children;
  button.textContent = data.text;
  note.textContent = data.note;
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(window.location.href);
      note.textContent = data.note ? `${data.done}. ${data.note}` : data.done;
    } catch {
      note.textContent = data.failed;
    }
  };
}
