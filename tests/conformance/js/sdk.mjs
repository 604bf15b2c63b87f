// Calls every method of the SDK and prints what each answered as one JSON object.
// Standard input: {"base": address, "key": API key, "it": what to ask about (tests/conformance/things.py)}.
import { readFileSync } from "node:fs";
import OnebusawaySDK from "onebusaway-sdk";

const { base, key, it } = JSON.parse(readFileSync(0, "utf8"));
const sdk = new OnebusawaySDK({ apiKey: key, baseURL: base, maxRetries: 0 });
const here = { lat: it.stop_lat, lon: it.stop_lon };
const calls = {
  agenciesWithCoverage: () => sdk.agenciesWithCoverage.list(),
  agency: () => sdk.agency.retrieve(it.agency_id),
  vehiclesForAgency: () => sdk.vehiclesForAgency.list(it.agency_id),
  config: () => sdk.config.retrieve(),
  currentTime: () => sdk.currentTime.retrieve(),
  stopsForLocation: () => sdk.stopsForLocation.list(here),
  stopsForRoute: () => sdk.stopsForRoute.list(it.route_id),
  stopsForAgency: () => sdk.stopsForAgency.list(it.agency_id),
  stop: () => sdk.stop.retrieve(it.stop_id),
  stopIdsForAgency: () => sdk.stopIdsForAgency.list(it.agency_id),
  scheduleForStop: () => sdk.scheduleForStop.retrieve(it.stop_id),
  route: () => sdk.route.retrieve(it.route_id),
  routeIdsForAgency: () => sdk.routeIdsForAgency.list(it.agency_id),
  routesForLocation: () => sdk.routesForLocation.list({ ...here, radius: 1000 }),
  routesForAgency: () => sdk.routesForAgency.list(it.agency_id),
  scheduleForRoute: () => sdk.scheduleForRoute.retrieve(it.route_id),
  arrivalAndDeparture: () =>
    sdk.arrivalAndDeparture.retrieve(it.stop_id, {
      tripId: it.trip_id,
      serviceDate: it.service_date_ms,
      stopSequence: it.position,
    }),
  arrivalsAndDepartures: () => sdk.arrivalAndDeparture.list(it.stop_id, { minutesAfter: 60 }),
  // This release has no method for it yet; its own client asks all the same.
  arrivalsAndDeparturesForLocation: () =>
    sdk.get("/api/where/arrivals-and-departures-for-location.json", { query: { ...here, radius: 100 } }),
  trip: () => sdk.trip.retrieve(it.trip_id),
  tripsForLocation: () =>
    sdk.tripsForLocation.list({ lat: it.lat, lon: it.lon, latSpan: 0.005, lonSpan: 0.005 }),
  tripDetails: () => sdk.tripDetails.retrieve(it.trip_id, { serviceDate: it.service_date_ms }),
  tripForVehicle: () => sdk.tripForVehicle.retrieve(it.vehicle_id),
  tripsForRoute: () => sdk.tripsForRoute.list(it.route_id, { includeStatus: true }),
  reportProblemWithStop: () => sdk.reportProblemWithStop.retrieve(it.stop_id, { code: "other" }),
  reportProblemWithTrip: () => sdk.reportProblemWithTrip.retrieve(it.trip_id, { code: "other" }),
  searchForStop: () => sdk.searchForStop.list({ input: it.stop_name }),
  searchForRoute: () => sdk.searchForRoute.list({ input: it.route_name }),
  block: () => sdk.block.retrieve(it.block_id),
  shape: () => sdk.shape.retrieve(it.shape_id),
};

const answers = {};
for (const [name, call] of Object.entries(calls)) answers[name] = await call();
const unknown = await sdk.stop.retrieve(`${it.stop_id}x`).catch((error) => ({ status: error.status }));
console.log(JSON.stringify({ answers, unknown }));
