// Names of points, where they have room, and the numbers at a logarithmic axis.

const LETTER = 7; // width of a letter of a name, in pixels

// A letter of Chinese, Japanese or Korean takes the room of two.
const isBroad = (letter) => letter.codePointAt(0) > 0x2e7f;
const lettersOf = (text) => [...text].reduce((sum, letter) => sum + (isBroad(letter) ? 2 : 1), 0);

// A long name without its middle: its end often tells it from the others.
function shortened(name, most) {
  if (lettersOf(name) <= most) return name;
  const letters = [...name];
  while (letters.length > 2 && lettersOf(letters.join("")) > most - 1) letters.splice(Math.floor(letters.length / 2), 1);
  const half = Math.ceil(letters.length / 2);
  return `${letters.slice(0, half).join("")}…${letters.slice(half).join("")}`;
}

// Where a name may be, beside its point: to the right, to the left, above and below.
const SPOTS = [
  { align: "left", dx: 9, dy: -9 }, { align: "right", dx: -9, dy: -9 },
  { align: "left", dx: 9, dy: 11 }, { align: "right", dx: -9, dy: 11 },
  { align: "center", dx: 0, dy: -15 }, { align: "center", dx: 0, dy: 17 },
];

const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

// The names that have room, with their spots: those of the front first, then the best. No name
// covers a point, another name, the front, or one of other lines, each of two points.
function namesWithRoom(points, corners, place, width, height, lines = []) {
  const at = points.map((point) => place(point));
  const taken = at.map(({ x, y }) => ({ left: x - 6, right: x + 6, top: y - 6, bottom: y + 6 }));
  for (const ends of [...corners.slice(1).map((corner, number) => [corners[number], corner]), ...lines]) {
    const [from, to] = ends.map((point) => place(point));
    taken.push({ left: Math.min(from.x, to.x), right: Math.max(from.x, to.x), top: Math.min(from.y, to.y) - 1, bottom: Math.max(from.y, to.y) + 1 });
  }
  const most = Math.max(16, Math.floor((0.4 * width) / LETTER));
  const order = points.map((point, number) => [point, at[number]])
    .sort(([a], [b]) => (b.kind === "on the front") - (a.kind === "on the front") || b.y - a.y);
  const found = [];
  for (const [point, { x, y }] of order) {
    // A name of the front that has no room is shortened more.
    const tries = point.kind === "on the front" ? [most, 14] : [most];
    for (const [letters, spot] of tries.flatMap((letters) => SPOTS.map((spot) => [letters, spot]))) {
      const label = shortened(point.name, letters), wide = LETTER * lettersOf(label);
      const left = x + spot.dx - { left: 0, right: wide, center: wide / 2 }[spot.align];
      const box = { left, right: left + wide, top: y + spot.dy - 7, bottom: y + spot.dy + 7 };
      if (left < 0 || box.right > width || box.top < 0 || box.bottom > height || taken.some((other) => meet(box, other))) continue;
      taken.push(box);
      found.push({ ...point, label, spot });
      break;
    }
  }
  return found;
}

// The least and the largest of some values: the ends of an axis.
function spanOf(values) {
  const known = values.filter((value) => typeof value === "number");
  const [low, high] = [Math.min(...known), Math.max(...known)];
  if (low < high) return [low, high];
  return low > 0 ? [0.9 * low, 1.1 * high] : [low - 1, high + 1];
}

// Round numbers for a logarithmic axis, each of which is written: 1, 2, 5 of a decade.
function logTicks([low, high]) {
  const decades = Math.log10(high / low);
  const steps = decades < 1.3 ? [1, 1.5, 2, 3, 4, 5, 6, 8] : decades < 3 ? [1, 2, 5] : [1];
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    found.push(...steps.map((step) => Number(`${step}e${power}`)));
  }
  const inside = found.filter((value) => value >= low * 0.97 && value <= high * 1.03);
  return inside.length > 1 ? inside : undefined;
}

// The axis of a scale; `span` is where its values lie.
function logAxis(span, more = {}) {
  const values = logTicks(span);
  return values ? { values, tickCount: values.length, labelOverlap: "greedy", format: ",~r", ...more } : more;
}
