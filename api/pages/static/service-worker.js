// Keeps the last answer of every page a rider opened, so that a bad network shows what was last known, with its age.
const SHELF = "wayside-2";
const PATIENCE_MS = 4000;
const KEPT_MOST = 120;

// The first page itself, and all it needs: what was loaded before this worker stood here.
addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const shelf = await caches.open(SHELF);
    const page = await fetch("/", { cache: "no-store" });
    if (page.ok) {
      const needs = new Set((await page.clone().text()).match(/\/static\/[\w.-]+\/[\w.-]+/g) || []);
      await shelf.put("/", page);
      await Promise.all([...needs].map((need) => shelf.add(need).catch(() => {})));
    }
    await skipWaiting();
  })());
});
addEventListener("activate", (event) => {
  event.waitUntil(
    caches.keys()
      .then((names) => Promise.all(names.filter((name) => name !== SHELF).map((name) => caches.delete(name))))
      .then(() => clients.claim()),
  );
});

async function keep(shelf, request, answer) {
  await shelf.delete(request);
  await shelf.put(request, answer);
  const all = await shelf.keys();
  const old = all.filter((kept) => !new URL(kept.url).pathname.startsWith("/static/"));
  await Promise.all(old.slice(0, Math.max(0, old.length - KEPT_MOST)).map((kept) => shelf.delete(kept)));
}

async function networkFirst(event) {
  const { request } = event;
  const shelf = await caches.open(SHELF);
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.ok) event.waitUntil(keep(shelf, request, answer.clone()));
    return answer;
  } catch (error) {
    const kept = await shelf.match(request, { ignoreVary: true });
    if (!kept) {
      // Nothing is kept: perhaps the network is only slow.
      if (navigator.onLine) return fetch(request);
      throw error;
    }
    const headers = new Headers(kept.headers);
    headers.set("X-Wayside-Kept", "1");
    headers.delete("content-encoding");
    if (request.mode !== "navigate") return new Response(await kept.blob(), { status: kept.status, headers });
    // A script cannot read the headers of its own page.
    const html = (await kept.text()).replace("<html ", '<html data-kept="1" ');
    return new Response(html, { status: kept.status, headers });
  }
}

async function shelfFirst(event) {
  const shelf = await caches.open(SHELF);
  const kept = await shelf.match(event.request, { ignoreVary: true });
  if (kept) return kept;
  const answer = await fetch(event.request);
  if (answer.ok) event.waitUntil(shelf.put(event.request, answer.clone()));
  return answer;
}

addEventListener("fetch", (event) => {
  const { pathname, origin, searchParams } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== location.origin) return;
  // Vehicles are never shown from memory, and a list for every spot of the map would fill it.
  if (searchParams.has("lat") || pathname === "/map/live.json") return;
  if (pathname.startsWith("/static/")) event.respondWith(shelfFirst(event));
  else if (pathname === "/" || pathname === "/why" || pathname.startsWith("/stops/") || pathname.startsWith("/warnings/") || pathname.startsWith("/map/"))
    event.respondWith(networkFirst(event));
});
