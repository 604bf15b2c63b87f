// Keeps the last answer of every page a rider opened, so that a bad network shows what was last known, with its age.
const SHELF = "wayside-1";
const SHELL = ["/static/style.css", "/static/page.js", "/static/rider.js", "/static/map.js", "/static/icon.svg"];
const PATIENCE_MS = 4000;

addEventListener("install", (event) => {
  event.waitUntil(caches.open(SHELF).then((shelf) => shelf.addAll(SHELL)).then(() => skipWaiting()));
});
addEventListener("activate", (event) => {
  event.waitUntil(
    caches.keys()
      .then((names) => Promise.all(names.filter((name) => name !== SHELF).map((name) => caches.delete(name))))
      .then(() => clients.claim()),
  );
});

async function networkFirst(request) {
  const shelf = await caches.open(SHELF);
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.ok) shelf.put(request, answer.clone());
    return answer;
  } catch (error) {
    const kept = await shelf.match(request, { ignoreSearch: new URL(request.url).pathname.startsWith("/static/") });
    if (!kept) throw error;
    const headers = new Headers(kept.headers);
    headers.set("X-Wayside-Kept", "1");
    return new Response(await kept.blob(), { status: kept.status, headers });
  }
}

addEventListener("fetch", (event) => {
  const { pathname, origin, searchParams } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== location.origin) return;
  // Vehicles are never shown from memory, and a list for every spot of the map would fill it.
  if (searchParams.has("lat") || pathname === "/map/live.json") return;
  if (pathname === "/" || pathname.startsWith("/stops/") || pathname.startsWith("/static/") || pathname.startsWith("/map/"))
    event.respondWith(networkFirst(event.request));
});
