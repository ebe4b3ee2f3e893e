// Moves the rows of a list without sending the form: by the buttons that would, and by dragging.
// The order of the rows is the order in which they are sent; a button says which row it is in.
"use strict";
for (const list of document.querySelectorAll("ol[data-order]")) {
  const told = document.getElementById("moved");
  const rows = () => [...list.children];
  const number = () => rows().forEach((row, at, all) => {
    for (const button of row.querySelectorAll("button")) button.value = at;
    row.querySelector("[name=up]").disabled = at === 0;
    row.querySelector("[name=down]").disabled = at === all.length - 1;
  });
  const tell = (row) => {
    number();
    told.textContent = `${(row.querySelector("p a") || row.querySelector("p")).textContent.trim()} is now ${rows().indexOf(row) + 1} of ${rows().length}.`;
  };
  list.addEventListener("click", (event) => {
    const button = event.target.closest("[name=up], [name=down]");
    if (!button) return;
    event.preventDefault();
    const row = button.closest("li");
    if (button.name === "up") row.previousElementSibling.before(row);
    else row.nextElementSibling.after(row);
    tell(row);
    (button.disabled ? row.querySelector(button.name === "up" ? "[name=down]" : "[name=up]") : button).focus();
  });
  let dragged = null;
  for (const row of rows()) {
    const handle = document.createElement("span");
    handle.className = "handle";
    handle.draggable = true;
    handle.title = "Drag to another place";
    handle.setAttribute("aria-hidden", "true");
    handle.textContent = "⠿";
    row.querySelector("p").prepend(handle, " ");
    handle.addEventListener("dragstart", (event) => {
      dragged = row;
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setDragImage(row, 12, 12);
    });
    handle.addEventListener("dragend", () => { if (dragged) tell(dragged); dragged = null; });
  }
  list.addEventListener("dragover", (event) => {
    const over = event.target.closest("li");
    if (!dragged) return;
    event.preventDefault();
    if (!over || over === dragged || over.parentElement !== list) return;
    const { top, height } = over.getBoundingClientRect();
    if (event.clientY < top + height / 2) over.before(dragged); else over.after(dragged);
  });
  list.addEventListener("drop", (event) => event.preventDefault());
}
