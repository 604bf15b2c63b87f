// A small slippy map on a canvas: lines of routes, stops, vehicles that glide, warnings over all of it.
// Raster tiles lie underneath only where the deployment configures them; without them no other host is asked.
// Everything on the map is also in the page's lists, so the canvas is one picture with a label to a screen reader.

const TILE = 256;
const GLIDE_MS = 2500;
const GRAVE = new Set(["Extreme", "Severe"]);

const mercator = (lat, lon) => {
  const sine = Math.sin((Math.max(-85.05, Math.min(85.05, lat)) * Math.PI) / 180);
  return [(lon + 180) / 360, 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)];
};
const latOf = (y) => (360 / Math.PI) * Math.atan(Math.exp((0.5 - y) * 2 * Math.PI)) - 90;

/** Black or white, whichever reads better on a colour as canvases write it (#rrggbb). Feeds' own text colours often do not. */
function inkOn(colour) {
  const parts = /^#(..)(..)(..)$/.exec(colour);
  if (!parts) return "#fff";
  const [red, green, blue] = parts.slice(1).map((part) => {
    const value = parseInt(part, 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000" : "#fff";
}

// Google's encoded polyline format, as OneBusAway uses it.
function decodeLine(text) {
  const points = [];
  let at = 0, lat = 0, lon = 0;
  const next = () => {
    let shift = 0, value = 0, byte;
    do {
      byte = text.charCodeAt(at++) - 63;
      value |= (byte & 31) << shift;
      shift += 5;
    } while (byte >= 32);
    return value & 1 ? ~(value >> 1) : value >> 1;
  };
  while (at < text.length) {
    lat += next();
    lon += next();
    points.push(mercator(lat / 1e5, lon / 1e5));
  }
  return points;
}

export class TownMap {
  constructor(box, { onStop = () => {}, onMove = () => {} } = {}) {
    this.box = box;
    this.canvas = box.querySelector("canvas");
    this.pen = this.canvas.getContext("2d");
    this.onStop = onStop;
    this.onMove = onMove;
    this.lines = [];
    this.stops = [];
    this.vehicles = new Map();
    this.areas = [];
    this.here = null;
    this.chosen = box.dataset.stop || "";
    this.aims = box.dataset.aims === "1";
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.tiles = new Map();
    this.tileUrl = box.dataset.tiles || "";
    this.zoom = Number(box.dataset.zoom) || 14;
    this.centre = mercator(Number(box.dataset.lat), Number(box.dataset.lon));
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.#listen();
    new ResizeObserver(() => this.#resize()).observe(box);
    this.dark.addEventListener("change", () => this.draw());
    this.#resize();
  }

  // --- what to show

  setNetwork(routes) {
    this.lines = routes.flatMap((route) => route.lines.map((line) => ({ color: route.color, points: decodeLine(line) })));
    this.draw();
  }

  setStops(stops) {
    this.stops = stops.map((stop) => ({ ...stop, at: mercator(stop.lat, stop.lon) }));
    this.draw();
  }

  setVehicles(vehicles) {
    const now = performance.now();
    const seen = new Set();
    for (const vehicle of vehicles) {
      const to = mercator(vehicle.lat, vehicle.lon);
      const known = this.vehicles.get(vehicle.id);
      const from = known && !this.calm.matches ? this.#whereNow(known, now) : to;
      this.vehicles.set(vehicle.id, { ...vehicle, from, to, since: now });
      seen.add(vehicle.id);
    }
    for (const id of this.vehicles.keys()) if (!seen.has(id)) this.vehicles.delete(id);
    this.#glide();
  }

  setAreas(features) {
    this.areas = features.map((feature) => ({
      level: feature.properties.severity,
      name: feature.properties.event || "",
      rings: (feature.geometry.type === "Polygon" ? [feature.geometry.coordinates] : feature.geometry.coordinates)
        .flatMap((polygon) => polygon.map((ring) => ring.map(([lon, lat]) => mercator(lat, lon)))),
    }));
    this.draw();
  }

  setHere(lat, lon) {
    this.here = mercator(lat, lon);
    this.draw();
  }

  goTo(lat, lon, zoom = this.zoom) {
    this.centre = mercator(lat, lon);
    this.zoom = zoom;
    this.#moved();
  }

  bounds() {
    const [x0, y0] = this.#world(0, 0);
    const [x1, y1] = this.#world(this.width, this.height);
    return { west: x0 * 360 - 180, north: latOf(y0), east: x1 * 360 - 180, south: latOf(y1) };
  }

  centreLatLon() {
    return [latOf(this.centre[1]), this.centre[0] * 360 - 180];
  }

  // --- geometry

  get scale() {
    return TILE * 2 ** this.zoom;
  }

  #screen([x, y]) {
    return [(x - this.centre[0]) * this.scale + this.width / 2, (y - this.centre[1]) * this.scale + this.height / 2];
  }

  #world(px, py) {
    return [this.centre[0] + (px - this.width / 2) / this.scale, this.centre[1] + (py - this.height / 2) / this.scale];
  }

  #whereNow(vehicle, now) {
    const part = Math.min(1, (now - vehicle.since) / GLIDE_MS);
    return [0, 1].map((axis) => vehicle.from[axis] + (vehicle.to[axis] - vehicle.from[axis]) * part);
  }

  #glide() {
    if (this.gliding) return;
    this.gliding = true;
    const step = () => {
      this.draw();
      const now = performance.now();
      this.gliding = [...this.vehicles.values()].some((vehicle) => now - vehicle.since < GLIDE_MS);
      if (this.gliding) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  #resize() {
    this.width = this.box.clientWidth;
    this.height = this.box.clientHeight;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(this.width * ratio);
    this.canvas.height = Math.round(this.height * ratio);
    this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.draw();
  }

  #moved() {
    this.draw();
    clearTimeout(this.settle);
    this.settle = setTimeout(() => this.onMove(), 250);
  }

  zoomBy(steps, px = this.width / 2, py = this.height / 2) {
    const anchor = this.#world(px, py);
    this.zoom = Math.max(9, Math.min(18, this.zoom + steps));
    const after = this.#world(px, py);
    this.centre = [0, 1].map((axis) => this.centre[axis] + anchor[axis] - after[axis]);
    this.#moved();
  }

  panBy(dx, dy) {
    this.centre = [this.centre[0] + dx / this.scale, this.centre[1] + dy / this.scale];
    this.#moved();
  }

  // --- fingers, mouse, keys

  #listen() {
    const fingers = new Map();
    let travelled = 0;
    const spread = () => {
      const [a, b] = [...fingers.values()];
      return Math.hypot(a.x - b.x, a.y - b.y);
    };
    const place = (event) => {
      const frame = this.canvas.getBoundingClientRect();
      return { x: event.clientX - frame.left, y: event.clientY - frame.top };
    };
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, place(event));
      travelled = fingers.size > 1 ? 99 : 0;
    });
    this.canvas.addEventListener("pointermove", (event) => {
      const before = fingers.get(event.pointerId);
      if (!before) return;
      const now = place(event);
      const wide = fingers.size === 2 ? spread() : 0;
      fingers.set(event.pointerId, now);
      travelled += Math.hypot(now.x - before.x, now.y - before.y);
      if (fingers.size === 2 && wide > 0) this.zoomBy(Math.log2(spread() / wide), now.x, now.y);
      else if (fingers.size === 1) this.panBy(before.x - now.x, before.y - now.y);
    });
    const lift = (event) => {
      if (event.type === "pointerup" && travelled < 6) this.#tap(place(event));
      fingers.delete(event.pointerId);
    };
    this.canvas.addEventListener("pointerup", lift);
    this.canvas.addEventListener("pointercancel", lift);
    this.canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      const at = place(event);
      this.zoomBy(-Math.sign(event.deltaY) * 0.4, at.x, at.y);
    }, { passive: false });
    this.canvas.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-80, 0], ArrowRight: [80, 0], ArrowUp: [0, -80], ArrowDown: [0, 80] }[event.key];
      if (step) this.panBy(...step);
      else if (event.key === "+" || event.key === "=") this.zoomBy(1);
      else if (event.key === "-") this.zoomBy(-1);
      else return;
      event.preventDefault();
    });
    for (const button of this.box.querySelectorAll("[data-zoom-by]"))
      button.addEventListener("click", () => this.zoomBy(Number(button.dataset.zoomBy)));
  }

  #tap({ x, y }) {
    let best = null, near = 22;
    for (const stop of this.stops) {
      const [sx, sy] = this.#screen(stop.at);
      const away = Math.hypot(sx - x, sy - y);
      if (away < near) [best, near] = [stop, away];
    }
    if (best) this.onStop(best);
    else {
      // For whoever cannot drag: a tap beside the stops moves the map there.
      this.centre = this.#world(x, y);
      this.#moved();
    }
  }

  // --- drawing

  draw() {
    if (!this.width || !this.height) return;
    const style = getComputedStyle(this.box);
    const ink = (name) => style.getPropertyValue(name).trim();
    const pen = this.pen;
    pen.fillStyle = ink("--map-ground");
    pen.fillRect(0, 0, this.width, this.height);
    if (this.tileUrl) this.#drawTiles();
    pen.lineJoin = pen.lineCap = "round";
    for (const wide of [true, false]) {
      for (const line of this.lines) {
        pen.strokeStyle = wide ? ink("--map-casing") : this.#readable(line.color) || ink("--map-line");
        pen.lineWidth = (wide ? 2.5 : 0) + Math.max(1.5, (this.zoom - 10) * 0.8);
        this.#path(line.points);
        pen.stroke();
      }
    }
    pen.globalAlpha = 1;
    for (const area of this.areas) this.#drawArea(area, ink);
    this.#drawStops(ink);
    const now = performance.now();
    for (const vehicle of this.vehicles.values()) this.#drawVehicle(vehicle, this.#whereNow(vehicle, now), ink);
    const taken = [];
    for (const area of this.areas) this.#drawAreaName(area, ink, taken);
    if (this.aims) this.#drawAim(ink);
    if (this.here) this.#dot(this.#screen(this.here), 7, ink("--accent"), "#fff", 3);
  }

  #path(points) {
    this.pen.beginPath();
    let lastX = NaN, lastY = NaN;
    for (const point of points) {
      const [x, y] = this.#screen(point);
      if (Math.abs(x - lastX) < 1 && Math.abs(y - lastY) < 1) continue;
      this.pen.lineTo(x, y);
      [lastX, lastY] = [x, y];
    }
  }

  #drawArea(area, ink) {
    const pen = this.pen;
    const color = ink(GRAVE.has(area.level) ? "--bad" : "--warn");
    pen.save();
    pen.beginPath();
    for (const ring of area.rings) {
      ring.forEach((point, index) => pen[index ? "lineTo" : "moveTo"](...this.#screen(point)));
      pen.closePath();
    }
    pen.globalAlpha = 0.16;
    pen.fillStyle = color;
    pen.fill();
    pen.globalAlpha = 1;
    pen.strokeStyle = color;
    pen.lineWidth = 2.5;
    pen.setLineDash([9, 5]);
    pen.stroke();
    pen.clip();
    pen.setLineDash([]);
    pen.globalAlpha = 0.3;
    pen.lineWidth = 1.5;
    pen.beginPath();
    for (let x = -this.height; x < this.width; x += 14) {
      pen.moveTo(x, this.height);
      pen.lineTo(x + this.height, 0);
    }
    pen.stroke();
    pen.restore();
  }

  #drawAreaName(area, ink, taken) {
    const points = area.rings[0]?.map((point) => this.#screen(point)) || [];
    const [left, right] = [Math.min(...points.map(([x]) => x)), Math.max(...points.map(([x]) => x))];
    const [top, bottom] = [Math.min(...points.map(([, y]) => y)), Math.max(...points.map(([, y]) => y))];
    const [x0, x1] = [Math.max(left, 0), Math.min(right, this.width)];
    const [y0, y1] = [Math.max(top, 0), Math.min(bottom, this.height)];
    if (!area.name || x1 - x0 < 40 || y1 - y0 < 24) return;
    const pen = this.pen;
    pen.font = "bold 14px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    const text = `⚠ ${area.name}`;
    const half = pen.measureText(text).width / 2 + 8;
    // Beside each other's names and the middle of the map, where the aim is.
    const x = Math.max(half + 4, Math.min(this.width - half - 4, (x0 + x1) / 2));
    let y = y0 + Math.min(28, (y1 - y0) / 2);
    while (taken.some(([otherX, otherY, other]) => Math.abs(otherY - y) < 30 && Math.abs(otherX - x) < half + other)
      || (this.aims && Math.abs(y - this.height / 2) < 34 && Math.abs(x - this.width / 2) < half + 18)) y += 6;
    taken.push([x, y, half]);
    pen.fillStyle = ink("--card");
    pen.strokeStyle = ink(GRAVE.has(area.level) ? "--bad" : "--warn");
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.roundRect(x - half, y - 13, half * 2, 26, 8);
    pen.fill();
    pen.stroke();
    pen.fillStyle = pen.strokeStyle;
    pen.fillText(text, x, y);
    pen.textBaseline = "alphabetic";
  }

  // The spot that the list below is about.
  #drawAim(ink) {
    const [x, y] = [this.width / 2, this.height / 2];
    for (const [color, width] of [[ink("--card"), 5], [ink("--accent"), 2]]) {
      this.pen.strokeStyle = color;
      this.pen.lineWidth = width;
      this.pen.beginPath();
      this.pen.arc(x, y, 9, 0, 2 * Math.PI);
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        this.pen.moveTo(x + dx * 9, y + dy * 9);
        this.pen.lineTo(x + dx * 16, y + dy * 16);
      }
      this.pen.stroke();
    }
  }

  // An agency's colour was chosen for paper: dark ones are lightened on a dark map, pale ones darkened on a light map.
  #readable(color) {
    if (!/^#[0-9a-f]{6}$/i.test(color)) return color;
    const parts = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
    const light = (0.299 * parts[0] + 0.587 * parts[1] + 0.114 * parts[2]) / 255;
    const share = this.dark.matches ? Math.max(0, 0.5 - light) : Math.max(0, light - 0.6);
    const end = this.dark.matches ? 255 : 0;
    return `rgb(${parts.map((part) => Math.round(part + (end - part) * share)).join(" ")})`;
  }

  #drawStops(ink) {
    const radius = this.zoom >= 15 ? 5 : this.zoom >= 13 ? 3.5 : 2;
    for (const stop of this.stops) {
      const chosen = stop.id === this.chosen;
      this.#dot(this.#screen(stop.at), chosen ? 9 : radius, ink(chosen ? "--accent" : "--map-stop"), ink("--map-casing"), chosen ? 3 : 1.5);
    }
    if (this.zoom < 15.6) return;
    this.pen.font = "12px system-ui, sans-serif";
    this.pen.textAlign = "center";
    this.pen.lineWidth = 3;
    const taken = [];
    const chosenFirst = [...this.stops].sort((a, b) => (b.id === this.chosen) - (a.id === this.chosen));
    for (const stop of chosenFirst) {
      const [x, y] = this.#screen(stop.at);
      const half = this.pen.measureText(stop.name).width / 2 + 4;
      if (taken.some(([otherX, otherY, other, name]) => Math.abs(otherY - y) < (name === stop.name ? 60 : 16) && Math.abs(otherX - x) < half + other)) continue;
      taken.push([x, y, half, stop.name]);
      this.pen.strokeStyle = ink("--map-ground");
      this.pen.strokeText(stop.name, x, y - 10);
      this.pen.fillStyle = ink("--text");
      this.pen.fillText(stop.name, x, y - 10);
    }
  }

  #dot([x, y], radius, fill, edge, width) {
    this.pen.beginPath();
    this.pen.arc(x, y, radius, 0, 2 * Math.PI);
    this.pen.fillStyle = fill;
    this.pen.fill();
    this.pen.lineWidth = width;
    this.pen.strokeStyle = edge;
    this.pen.stroke();
  }

  #drawVehicle(vehicle, at, ink) {
    const [x, y] = this.#screen(at);
    if (x < -40 || y < -40 || x > this.width + 40 || y > this.height + 40) return;
    const pen = this.pen;
    const size = this.zoom >= 13 ? 12 : 7;
    pen.save();
    pen.translate(x, y);
    pen.globalAlpha = vehicle.old ? 0.55 : 1;
    pen.fillStyle = vehicle.color || ink("--map-line");
    pen.strokeStyle = "#fff";
    pen.lineWidth = 2;
    if (vehicle.bearing !== null) {
      pen.save();
      pen.rotate((vehicle.bearing * Math.PI) / 180);
      pen.beginPath();
      pen.moveTo(0, -size - 6);
      pen.lineTo(size * 0.55, -size * 0.6);
      pen.lineTo(-size * 0.55, -size * 0.6);
      pen.closePath();
      pen.stroke();
      pen.fill();
      pen.restore();
    }
    pen.beginPath();
    pen.arc(0, 0, size, 0, 2 * Math.PI);
    pen.fill();
    pen.stroke();
    if (size === 12) {
      pen.fillStyle = inkOn(pen.fillStyle);
      pen.font = `bold ${vehicle.name.length > 2 ? 9 : 12}px system-ui, sans-serif`;
      pen.textAlign = "center";
      pen.textBaseline = "middle";
      pen.fillText(vehicle.name.slice(0, 4), 0, 0.5);
    }
    pen.restore();
  }

  #drawTiles() {
    const level = Math.max(0, Math.min(19, Math.round(this.zoom)));
    const count = 2 ** level;
    const [x0, y0] = this.#world(0, 0).map((value) => Math.floor(value * count));
    const [x1, y1] = this.#world(this.width, this.height).map((value) => Math.floor(value * count));
    for (let x = x0; x <= x1; x += 1)
      for (let y = Math.max(0, y0); y <= Math.min(count - 1, y1); y += 1) {
        const tile = this.#tile(level, ((x % count) + count) % count, y);
        if (!tile.complete || !tile.naturalWidth) continue;
        const [left, top] = this.#screen([x / count, y / count]);
        const size = this.scale / count;
        this.pen.drawImage(tile, left, top, size, size);
      }
  }

  #tile(z, x, y) {
    const key = `${z}/${x}/${y}`;
    let tile = this.tiles.get(key);
    if (!tile) {
      tile = new Image();
      tile.onload = () => this.draw();
      tile.src = this.tileUrl.replace("{z}", z).replace("{x}", x).replace("{y}", y);
      if (this.tiles.size > 300) this.tiles.clear();
      this.tiles.set(key, tile);
    }
    return tile;
  }
}
