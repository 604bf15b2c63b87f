import { TownMap } from "./map.js";
import { announce, cityNow, keptPage, Renewing, say, setCityClock, show } from "./page.js";

const find = (selector) => document.querySelector(selector);
const rendered = Number(find("[data-now]")?.dataset.now);
if (rendered && !keptPage) setCityClock(rendered);

// --- counting down

function countDown() {
  const now = cityNow();
  for (const cell of document.querySelectorAll("[data-at]")) {
    const minutes = Math.floor((Number(cell.dataset.at) - now) / 60);
    const text = minutes <= 0 ? say("arrivals.now") : say("arrivals.minutes", { minutes });
    if (cell.textContent !== text) cell.textContent = text;
    const row = cell.closest("li.arrival, .next");
    if (row) row.hidden = Number(cell.dataset.at) < now - 60;
  }
}

const sections = [];
const arrivals = find("#arrivals");
if (arrivals) sections.push(new Renewing(arrivals, 10, countDown));
const nearby = find("#nearby");
const searched = new URLSearchParams(location.search).get("q") || "";
let nearbyList = null;
if (nearby) {
  nearby.dataset.source = `/?part=nearby&q=${encodeURIComponent(searched)}`;
  nearbyList = new Renewing(nearby, 15, countDown);
  sections.push(nearbyList);
}
setInterval(() => {
  countDown();
  for (const section of sections) section.tick();
}, 1000);
countDown();

// --- favourites, kept in this browser alone

const favourites = () => JSON.parse(localStorage.getItem("wayside.favourites") || "[]");
const star = find("#favourite");
if (star) {
  const tell = () => {
    const on = favourites().some((stop) => stop.id === star.dataset.stop);
    star.setAttribute("aria-pressed", String(on));
    star.textContent = on ? "★" : "☆";
    star.setAttribute("aria-label", say(on ? "favourite.remove" : "favourite.add"));
  };
  star.addEventListener("click", () => {
    const others = favourites().filter((stop) => stop.id !== star.dataset.stop);
    const on = others.length === favourites().length;
    localStorage.setItem("wayside.favourites", JSON.stringify(on ? [...others, { id: star.dataset.stop, name: star.dataset.name }] : others));
    tell();
  });
  star.hidden = false;
  tell();
}
const shelf = find("#favourites");
if (shelf && favourites().length) {
  for (const stop of favourites()) {
    const link = document.createElement("a");
    link.className = "stop";
    link.href = `/stops/${encodeURIComponent(stop.id)}`;
    const name = document.createElement("span");
    name.className = "stop-name";
    name.textContent = `★ ${stop.name}`;
    link.append(name);
    const item = document.createElement("li");
    item.append(link);
    shelf.querySelector("ul").append(item);
  }
  shelf.hidden = false;
}

// --- the map

const box = find(".map");
let map = null;
let network = null;

async function get(address) {
  const answer = await fetch(address, { signal: AbortSignal.timeout(8000) });
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return answer.json();
}

const bbox = (margin = 0.2) => {
  const { west, south, east, north } = map.bounds();
  const [dx, dy] = [(east - west) * margin, (north - south) * margin];
  return { west: west - dx, south: south - dy, east: east + dx, north: north + dy };
};
const written = (area) => [area.west, area.south, area.east, area.north].map((value) => value.toFixed(5)).join(",");
const inside = (inner, outer) => outer && inner.west >= outer.west && inner.east <= outer.east && inner.south >= outer.south && inner.north <= outer.north;

async function loadGround() {
  if (inside(map.bounds(), network)) return;
  const area = bbox(0.5);
  const answer = await get(`/map/ground.json?bbox=${written(area)}&language=${document.documentElement.lang}`);
  network = area;
  map.setNetwork(answer.routes);
  map.setStops(answer.stops);
}

let livedAt = performance.now();

async function loadLive() {
  if (document.hidden) return;
  // A vehicle that nobody has confirmed for a minute is not where the map says.
  if (performance.now() - livedAt > 60000) map.setVehicles([]);
  const answer = await get(`/map/live.json?bbox=${written(bbox())}&language=${document.documentElement.lang}`);
  livedAt = performance.now();
  map.setVehicles(answer.vehicles);
  map.setAreas(answer.warnings.features);
}

const quietly = (work) => work().catch(() => {});

async function showNearby() {
  if (!nearbyList || searched) return;
  const [lat, lon] = map.centreLatLon();
  nearby.dataset.source = `/?part=nearby&lat=${lat.toFixed(5)}&lon=${lon.toFixed(5)}`;
  await nearbyList.renew();
}

async function showWarnings() {
  const answer = await fetch("/?part=warnings", { signal: AbortSignal.timeout(8000) });
  if (!answer.ok) return;
  const place = find("#warnings");
  if (!place) return;
  show(place, await answer.text());
  announceNews(place);
}

// A screen reader hears of a warning once, not every time that a number in it changes.
let known = null;
function announceNews(place) {
  const here = new Map([...place.querySelectorAll("[data-warning]")].map((each) => [each.dataset.warning + each.querySelector("strong").textContent, each]));
  const fresh = known ? [...here].filter(([key]) => !known.has(key)) : [];
  known = new Set(here.keys());
  if (fresh.length) announce(fresh.map(([, each]) => each.querySelector("strong").textContent).join(". "));
}
if (find("#warnings")) announceNews(find("#warnings"));

if (box) {
  box.hidden = false;
  map = new TownMap(box, {
    onStop: (stop) => { location.href = `/stops/${encodeURIComponent(stop.id)}`; },
    onMove: () => { quietly(loadGround); quietly(loadLive); quietly(showNearby); },
  });
  quietly(loadGround);
  quietly(loadLive);
  setInterval(() => quietly(loadLive), 5000);
  setInterval(() => quietly(showWarnings), 15000);
}

const near = find("#near");
if (near && map && "geolocation" in navigator) {
  near.hidden = false;
  near.addEventListener("click", () => {
    near.disabled = true;
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        near.disabled = false;
        find("#near-status").textContent = "";
        map.setHere(coords.latitude, coords.longitude);
        map.goTo(coords.latitude, coords.longitude, 15.7);
      },
      () => {
        near.disabled = false;
        find("#near-status").textContent = say("near.denied");
      },
      { enableHighAccuracy: true, timeout: 10000, maximumAge: 30000 },
    );
  });
}

// --- warn me here (only where the page knows a phone)

const place = find("#place");
if (place && map) {
  for (const part of [place, find("#to-place")]) if (part) part.hidden = false;
  const status = place.querySelector("[role=status]");
  place.querySelector("button").addEventListener("click", async () => {
    const [lat, lon] = map.centreLatLon();
    const asked = {
      device: { platform: "fcm", token: place.dataset.token },
      language: place.dataset.language,
      places: [{ label: (place.dataset.label || find("#nearby .stop-name")?.textContent || "").trim().slice(0, 60), lat, lon, radius_m: 300 }],
    };
    try {
      const answer = await fetch("/api/v1/subscriptions", {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(asked),
      });
      const body = await answer.json();
      status.textContent = answer.ok ? say("places.done") : say("places.failed", { reason: body.text || answer.status });
    } catch (error) {
      status.textContent = say("places.failed", { reason: error.message });
    }
  });
}

if ("serviceWorker" in navigator) {
  // This very page was loaded before the worker stood there: have it kept too.
  if (!navigator.serviceWorker.controller)
    navigator.serviceWorker.addEventListener("controllerchange", () => quietly(() => fetch(location.href)), { once: true });
  navigator.serviceWorker.register("/service-worker.js").catch(() => {});
}
