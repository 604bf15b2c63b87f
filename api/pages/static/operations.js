import { announce, Renewing } from "./page.js";

const feeds = document.querySelector("#feeds");
const title = document.title.replace(/^\(\d+\) /, "");
const simulator = feeds.querySelector("[formaction]")?.formAction.replace(/\/sick\/.*/, "/sick");

// In the demo, which button of each feed is pressed: the simulator knows.
async function showSickness() {
  if (!simulator) return;
  const sick = await (await fetch(simulator)).json();
  for (const button of feeds.querySelectorAll("[formaction]")) {
    const [feed, kind] = button.getAttribute("formaction").split("/").slice(-2);
    button.setAttribute("aria-pressed", String(sick[feed] === kind));
  }
}

const section = new Renewing(feeds, 3, () => {
  const sick = Number(feeds.querySelector("[data-sick]")?.dataset.sick) || 0;
  document.title = sick ? `(${sick}) ${title}` : title;
  announce(feeds.querySelector("strong").textContent);
  showSickness().catch(() => {});
});
setInterval(() => section.tick(), 1000);
showSickness().catch(() => {});

// Feeds are made sick by a form that goes to the simulator; without leaving the page where there is a script.
feeds.addEventListener("submit", async (event) => {
  event.preventDefault();
  await fetch(event.submitter.formAction, { method: "POST", mode: "no-cors" }).catch(() => {});
  section.renew();
});
