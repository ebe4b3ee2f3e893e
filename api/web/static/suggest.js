// Suggests while typing, in a form that works without: what the button "Find" would show is fetched
// a moment after the last key, and its buttons belong to the form like any other.
"use strict";
for (const input of document.querySelectorAll("input[data-suggest]")) {
  const into = document.getElementById(input.dataset.into);
  let waiting = 0, latest = 0;
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const asked = ++latest, q = input.value.trim();
      // An address or an id is not searched for; the button adds it.
      if (q.length < 2 || q.includes("://")) { into.replaceChildren(); return; }
      const answer = await fetch(`${input.dataset.suggest}&q=${encodeURIComponent(q)}`).catch(() => null);
      if (answer?.ok && asked === latest) {
        const html = await answer.text();
        if (asked === latest) into.innerHTML = html;
      }
    }, 180);
  });
}
