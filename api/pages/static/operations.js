import { Renewing } from "./page.js";

const feeds = document.querySelector("#feeds");
const title = document.title.replace(/^\(\d+\) /, "");
const section = new Renewing(feeds, 3, () => {
  const sick = Number(feeds.querySelector("[data-sick]")?.dataset.sick) || 0;
  document.title = sick ? `(${sick}) ${title}` : title;
});
setInterval(() => section.tick(), 1000);

// In the demo, feeds are made sick by a form that goes to the simulator; without leaving the page where there is a script.
feeds.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter;
  button.disabled = true;
  try {
    await fetch(button.formAction, { method: "POST", mode: "no-cors" });
    for (const other of button.form.querySelectorAll("button")) other.setAttribute("aria-pressed", String(other === button));
  } finally {
    button.disabled = false;
    section.renew();
  }
});
