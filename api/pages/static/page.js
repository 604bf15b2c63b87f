// What the rider's and the operator's pages share: words, the city's clock, and sections that renew themselves.

export const words = JSON.parse(document.getElementById("words").textContent);

export function say(key, values = {}) {
  return (words[key] || key).replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

// The city's clock can differ from the device's (a wrong phone; a recorded day): the page keeps the difference.
let aheadS = Number(localStorage.getItem("wayside.ahead_s")) || 0;

export const cityNow = () => Date.now() / 1000 + aheadS;

export function setCityClock(epochS) {
  aheadS = epochS - Date.now() / 1000;
  localStorage.setItem("wayside.ahead_s", String(aheadS));
}

export function age(seconds) {
  if (seconds < 90) return say("age.seconds", { count: Math.max(0, Math.round(seconds)) });
  if (seconds < 5400) return say("age.minutes", { count: Math.round(seconds / 60) });
  if (seconds < 172800) return say("age.hours", { count: Math.round(seconds / 3600) });
  return say("age.days", { count: Math.round(seconds / 86400) });
}

// A section whose HTML the server renders again every `everyS` seconds. When the network is gone, what is shown stays,
// and its age is said; nothing on a stale page claims to be live.
export class Renewing {
  constructor(section, everyS, after = () => {}) {
    this.section = section;
    this.everyS = everyS;
    this.after = after;
    this.banner = document.getElementById("offline");
    this.asOfS = Number(section.querySelector("[data-now]")?.dataset.now) || 0;
    this.lost = false;
    document.addEventListener("visibilitychange", () => document.hidden || this.renew());
    addEventListener("online", () => this.renew());
    addEventListener("offline", () => this.#lose());
    this.#later();
  }

  #later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.renew(), this.everyS * 1000);
  }

  async renew() {
    if (document.hidden || !this.section.dataset.source) return this.#later();
    try {
      const answer = await fetch(this.section.dataset.source, { signal: AbortSignal.timeout(8000), cache: "no-store" });
      if (answer.redirected || answer.status === 401) return location.reload();
      if (!answer.ok) throw new Error(String(answer.status));
      const html = await answer.text();
      const kept = answer.headers.get("X-Wayside-Kept") === "1";
      const focus = this.section.contains(document.activeElement) ? document.activeElement.getAttribute("formaction") || document.activeElement.getAttribute("href") : null;
      this.section.innerHTML = html;
      if (focus) this.section.querySelector(`[formaction="${CSS.escape(focus)}"], [href="${CSS.escape(focus)}"]`)?.focus();
      this.asOfS = Number(this.section.querySelector("[data-now]")?.dataset.now) || 0;
      if (kept) this.#lose();
      else {
        setCityClock(this.asOfS);
        this.#found();
      }
      this.after();
    } catch {
      this.#lose();
    }
    return this.#later();
  }

  tick() {
    if (this.lost && this.banner) {
      const ageS = cityNow() - this.asOfS;
      this.banner.textContent = this.asOfS && ageS >= 0 ? say("offline", { age: age(ageS) }) : say("offline.unknown");
    }
  }

  #lose() {
    this.lost = true;
    document.body.classList.add("lost");
    if (this.banner) this.banner.hidden = false;
    this.tick();
  }

  #found() {
    this.lost = false;
    document.body.classList.remove("lost");
    if (this.banner) this.banner.hidden = true;
  }
}
