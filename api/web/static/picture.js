// Says below a picture what is under the pointer: what it is, whose, its share and the way to it.
// With a finger the first tap says so and the second follows. Without this, titles and links do.
"use strict";
const explain = (frame, picture) => {
  const line = document.createElement("p");
  line.className = "told";
  line.setAttribute("aria-hidden", "true"); // what is focused is read out already
  const how = matchMedia("(hover: hover)").matches ? "Point at" : "Tap";
  line.textContent = `${how} a part of the picture to read what it is.`;
  frame.after(line);
  let told = null, finger = false;
  const tell = ({ target }) => {
    const one = target.closest("a, .flow, .band, [role=img]");
    const said = one?.querySelector(":scope > title")?.textContent;
    if (said) { told = one; line.textContent = said; }
  };
  picture.addEventListener("pointerover", (event) => event.pointerType === "mouse" && tell(event));
  picture.addEventListener("focusin", (event) => finger || tell(event));
  picture.addEventListener("pointerdown", (event) => { finger = event.pointerType === "touch"; });
  picture.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (finger && link && link !== told) event.preventDefault();
    if (finger) tell(event);
  });
};
for (const frame of document.querySelectorAll(".drawn")) {
  const drawn = frame.querySelector("svg, object");
  const inside = () => drawn.contentDocument?.querySelector("svg.picture");
  if (drawn.tagName !== "OBJECT") explain(frame, drawn);
  else if (inside()) explain(frame, inside());
  else drawn.addEventListener("load", () => inside() && explain(frame, inside()));
}
