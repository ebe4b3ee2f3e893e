// A button on each block of code that copies it; of a session in a shell only what is typed.
// Without this, or where the browser has no clipboard to give, code is selected like any text.
"use strict";
const typed = (text) => {
  const lines = text.split("\n");
  if (!lines.some((line) => line.startsWith("$ "))) return text;
  return lines.filter((line) => /^[$>] /.test(line)).map((line) => line.slice(2)).join("\n") + "\n";
};
for (const block of navigator.clipboard ? document.querySelectorAll("main pre") : []) {
  const frame = document.createElement("div");
  frame.className = "copied";
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(typed(block.textContent));
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  block.replaceWith(frame);
  frame.append(block, button);
}
