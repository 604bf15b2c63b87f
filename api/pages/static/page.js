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

// The service worker marks a page that it had to take from its shelf: its times are old.
export const keptPage = "kept" in document.documentElement.dataset;

export function age(seconds) {
  if (seconds < 90) return say("age.seconds", { count: Math.max(0, Math.round(seconds)) });
  if (seconds < 5400) return say("age.minutes", { count: Math.round(seconds / 60) });
  if (seconds < 172800) return say("age.hours", { count: Math.round(seconds / 3600) });
  return say("age.days", { count: Math.round(seconds / 86400) });
}

// Said once by a screen reader; what changes every second is never in a live region.
export function announce(text) {
  const news = document.getElementById("news");
  if (news && news.textContent !== text) news.textContent = text;
}

// Changes only what differs, so that a screen reader's or a keyboard's place in a list stays where it is.
export function patch(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeName !== fresh.nodeName) {
    old.replaceWith(fresh.cloneNode(true));
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
    return;
  }
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  while (old.childNodes.length > fresh.childNodes.length) old.lastChild.remove();
  const had = [...old.childNodes];
  [...fresh.childNodes].forEach((child, index) => {
    if (index < had.length) patch(had[index], child);
    else old.append(child.cloneNode(true));
  });
}

export function show(section, html) {
  const fresh = section.cloneNode(false);
  fresh.innerHTML = html;
  const key = (element) => element.getAttribute("formaction") || element.getAttribute("href");
  const focused = section.contains(document.activeElement) ? key(document.activeElement) : null;
  patch(section, fresh);
  if (focused && key(document.activeElement) !== focused)
    section.querySelector(`[formaction="${CSS.escape(focused)}"], [href="${CSS.escape(focused)}"]`)?.focus();
}

// A section whose HTML the server renders again every `everyS` seconds. When the network is gone, what is shown stays,
// and its age is said; nothing on a stale page claims to be live.
export class Renewing {
  constructor(section, everyS, after = () => {}) {
    this.section = section;
    this.everyS = everyS;
    this.after = after;
    this.banner = document.getElementById("offline");
    this.lost = false;
    this.#read();
    document.addEventListener("visibilitychange", () => document.hidden || this.renew());
    addEventListener("online", () => this.renew());
    addEventListener("offline", () => this.#lose());
    if (keptPage) {
      this.#lose();
      this.renew();
    } else this.#later();
  }

  #read() {
    this.asOfS = Number(this.section.querySelector("[data-now]")?.dataset.now) || 0;
  }

  #later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.renew(), this.everyS * 1000);
  }

  async renew() {
    if (document.hidden || !this.section.dataset.source) return this.#later();
    const source = this.section.dataset.source;
    try {
      const answer = await fetch(source, { signal: AbortSignal.timeout(8000), cache: "no-store" });
      // Signed out, or what was shown is no more: the whole page says it.
      if (answer.redirected || answer.status === 401 || answer.status === 404) return location.reload();
      if (!answer.ok) throw new Error(String(answer.status));
      const html = await answer.text();
      if (source !== this.section.dataset.source) return this.renew();
      show(this.section, html);
      this.#read();
      if (answer.headers.get("X-Wayside-Kept") === "1") this.#lose();
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
    if (!this.lost || !this.banner) return;
    const ageS = cityNow() - this.asOfS;
    const text = this.asOfS && ageS >= 0 ? say("offline", { age: age(ageS) }) : say("offline.unknown");
    if (this.banner.textContent !== text) this.banner.textContent = text;
  }

  #lose() {
    const first = !this.lost;
    this.lost = true;
    document.body.classList.add("lost");
    for (const claim of this.section.querySelectorAll(".live")) {
      claim.className = "planned";
      claim.textContent = say("arrivals.last_known");
    }
    if (this.banner) this.banner.hidden = false;
    this.tick();
    if (first && this.banner) announce(this.banner.textContent);
  }

  #found() {
    this.lost = false;
    document.body.classList.remove("lost");
    if (this.banner) this.banner.hidden = true;
  }
}
