import { keptPage, Renewing, setCityClock } from "./page.js";

const why = document.querySelector("#why");
const rendered = Number(why.querySelector("[data-now]")?.dataset.now);
if (rendered && !keptPage) setCityClock(rendered);
const section = new Renewing(why, 15);
setInterval(() => section.tick(), 1000);
