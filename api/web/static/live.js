// Shows the preview of a form while it is filled in: what its button "Preview" would answer is
// fetched a moment after the last change, and its parts take the place of those in the page. A part
// in which somebody is typing stays, unless it is about something else now.
"use strict";
for (const form of document.querySelectorAll("form[data-live]")) {
  let waiting = 0, latest = 0;
  const show = async (does) => {
    const asked = ++latest, sent = new URLSearchParams(new FormData(form));
    sent.set("do", does);
    const answer = await fetch(form.action, { method: "POST", body: sent }).catch(() => null);
    if (!answer || asked !== latest) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (asked !== latest) return;
    for (const part of form.querySelectorAll("[data-part]")) {
      const now = page.getElementById(part.id);
      const stays = now?.dataset.part === part.dataset.part && part.id !== "preview";
      if (now && !stays) part.replaceWith(document.adoptNode(now));
    }
  };
  form.addEventListener("input", (event) => {
    if (event.target.type === "search") return;
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      // Fields that have just been chosen are not wrong for being empty.
      if (event.target.type === "radio") await show("choose");
      await show("preview");
    }, 300);
  });
}
