// A picture of one's own, dropped anywhere on the page, pasted, chosen or taken: made smaller here before it travels.
const SMALL = 1_000_000, FIELD = ".st-key-lab-pictures", UNSEEN = ".st-key-lab-unseen input[type=file]";
const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
// Other fields of a page (a report, saved answers) take their files themselves.
const isOthers = (event) => event.target.closest?.("[data-testid=stFileUploader]") && !event.target.closest(FIELD);

// What the browser cannot read goes as it is: the server reads more kinds, and says what is wrong with the rest.
async function smaller(file, longer) {
  if (file.size <= SMALL) return file;
  try {
    const bitmap = await createImageBitmap(file);
    const scale = longer / Math.max(bitmap.width, bitmap.height);
    if (scale >= 1) return file;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
    const brush = canvas.getContext("2d");
    brush.imageSmoothingQuality = "high";
    brush.fillStyle = "#fff";
    brush.fillRect(0, 0, canvas.width, canvas.height);
    brush.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    return (await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92))) ?? file;
  } catch {
    return file;
  }
}

export default function ({ data, parentElement }) {
  let note = parentElement.querySelector(".bringing");
  if (!note) {
    note = document.createElement("p");
    note.className = "bringing lab-note";
    note.setAttribute("role", "status");
    parentElement.append(note);
  }
  note.textContent = "";
  parentElement.listens?.abort();
  const listens = (parentElement.listens = new AbortController());
  const on = (name, act) => document.addEventListener(name, act, { capture: true, signal: listens.signal });
  const mark = (is) => document.body.classList.toggle("bring-over", is);

  async function take(file) {
    note.textContent = data.reading.replace("{name}", file.name);
    const sent = await smaller(file, data.longer);
    const input = document.querySelector(UNSEEN);
    if (sent.size > data.limit || !input) note.textContent = data.large.replace("{name}", file.name);
    else {
      const files = new DataTransfer();
      files.items.add(new File([sent], file.name, { type: sent.type }));
      input.files = files.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }

  on("dragover", (event) => {
    if (!hasFiles(event) || isOthers(event)) return;
    event.preventDefault();
    mark(true);
  });
  on("dragleave", (event) => event.relatedTarget === null && mark(false));
  on("drop", (event) => {
    if (!hasFiles(event) || isOthers(event)) return;
    event.preventDefault();
    event.stopPropagation();
    mark(false);
    const [file] = event.dataTransfer.files;
    if (file) take(file);
  });
  on("paste", (event) => {
    const [file] = event.clipboardData?.files ?? [];
    if (!file) return;
    event.preventDefault();
    take(file);
  });
  on("change", (event) => {
    if (event.target.type !== "file" || !event.target.closest(FIELD)) return;
    event.stopPropagation();
    const [file] = event.target.files;
    if (file) take(file);
  });
  return () => listens.abort();
}
