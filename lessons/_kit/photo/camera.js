// A button that opens the camera of a telephone or a tablet; what it takes goes the way of a chosen file (bring.js).
export default function ({ data, parentElement }) {
  let button = parentElement.querySelector("button");
  if (!button) {
    button = document.createElement("button");
    button.type = "button";
    button.className = "camera";
    const input = document.createElement("input");
    Object.assign(input, { type: "file", accept: "image/*", hidden: true });
    input.setAttribute("capture", "environment");
    button.onclick = () => input.click();
    parentElement.append(button, input);
  }
  button.textContent = data.text;
}
