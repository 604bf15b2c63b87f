// Asks what the Wayfinder web app asks, in its order and with its parameters, and prints all answers as one JSON object.
// Standard input: {"base": address, "key": API key, "it": what a rider looks at (tests/conformance/things.py)}.
import { readFileSync } from "node:fs";
import OnebusawaySDK from "onebusaway-sdk";

const { base, key, it } = JSON.parse(readFileSync(0, "utf8"));
const sdk = new OnebusawaySDK({ apiKey: key, baseURL: base, maxRetries: 0 });
const answers = {};

const good = (name, answer) => {
  if (answer.code !== 200) throw new Error(`${name}: code ${answer.code}`);
  answers[name] = answer;
  return answer;
};

// When it starts: everything that its route list shows.
const coverage = good("agencies", await sdk.agenciesWithCoverage.list());
answers.routes = [];
for (const agency of coverage.data.list) {
  const routes = good("routesForAgency", await sdk.routesForAgency.list(agency.agencyId));
  for (const route of routes.data.list) {
    const owner = routes.data.references.agencies.find((one) => one.id === route.agencyId);
    answers.routes.push({ id: route.id, name: route.nullSafeShortName, agency: owner.name });
  }
}

// The map moves: it says lngSpan, and a radius of nothing.
good(
  "stopsForLocation",
  await sdk.stopsForLocation.list({ lat: it.stop_lat, lon: it.stop_lon, latSpan: 0.02, lngSpan: 0.02, radius: 0 }),
);

// A stop is opened, again every 30 seconds.
good("stop", await sdk.stop.retrieve(it.stop_id));
good("arrivals", await sdk.arrivalAndDeparture.list(it.stop_id));
good("arrivalsAgain", await sdk.arrivalAndDeparture.list(it.stop_id));
good("scheduleForStop", await sdk.scheduleForStop.retrieve(it.stop_id));

// An arrival is opened: its trip on the map.
const details = good(
  "tripDetails",
  await sdk.tripDetails.retrieve(it.trip_id, {
    includeTrip: true,
    includeSchedule: true,
    includeStatus: true,
    serviceDate: it.service_date_ms,
  }),
);
const trip = details.data.references.trips.find((one) => one.id === it.trip_id);
good("shape", await sdk.shape.retrieve(trip.shapeId));

// A route is opened.
good("stopsForRoute", await sdk.stopsForRoute.list(it.route_id));
good("tripsForRoute", await sdk.tripsForRoute.list(it.route_id, { includeStatus: true, includeSchedule: true }));

// The search box.
const asked = { lat: it.stop_lat, lon: it.stop_lon };
good("searchRoutes", await sdk.routesForLocation.list({ ...asked, query: it.route_name }));
good("searchStops", await sdk.stopsForLocation.list({ ...asked, query: it.stop_code }));

// The alert banner.
const alerts = await fetch(`${base}/api/v1/regions/1/alerts.pb`);
const bytes = Buffer.from(await alerts.arrayBuffer());
answers.alerts = { status: alerts.status, body: bytes.toString("base64") };

console.log(JSON.stringify(answers));
