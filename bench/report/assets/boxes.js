// Key frames with their boxes: a number on each box, and below what it is and what was predicted.

const WIDE = 220; // width of a drawing, in its own unit
const FALSE_ONES = 3; // false classes of a box that are named; the others are counted

function drawBox(box, number, high) {
  const [x1, y1, x2, y2] = box.corners;
  const place = { x: x1 * WIDE, y: y1 * high, width: Math.max(0, x2 - x1) * WIDE, height: Math.max(0, y2 - y1) * high };
  const wide = 6 + 9 * String(number).length;
  const left = Math.min(place.x, WIDE - wide), top = Math.min(place.y, high - 18);
  return shape("g", {},
    shape("rect", { class: "frame-box under", ...place }),
    shape("rect", { class: `frame-box ${box.is_true ? "true" : "found"}`, ...place }),
    shape("g", { class: "tag" }, shape("rect", { x: left, y: top, width: wide, height: 18 }),
      shape("text", { x: left + wide / 2, y: top + 14, "text-anchor": "middle" }, String(number))));
}

function saidOf(box, number) {
  const word = (kind, text) => el("span", { class: kind }, text);
  const right = box.found.filter((each) => each.hit), wrong = box.found.filter((each) => !each.hit);
  const missed = box.truths.filter((each) => !each.hit);
  const words = [
    ...right.map((each) => [word("truth", `✓\u00a0${each.name}`), ` ${each.score.toFixed(2)}`]),
    ...missed.map((each) => [word("wrong", `○\u00a0missed: ${each.name}`)]),
    ...wrong.slice(0, FALSE_ONES).map((each) => [word("wrong", `✗\u00a0${each.name}`), ` ${each.score.toFixed(2)}`]),
  ];
  if (wrong.length > FALSE_ONES) words.push([`and ${wrong.length - FALSE_ONES} more false classes`]);
  if (!words.length) words.push(["nothing true, nothing predicted"]);
  return el("li", {}, el("span", { class: "number" }, String(number)), " ",
    el("span", {}, box.is_true ? null : "predicted box: ", ...words.flatMap((each, at) => (at ? ["; ", ...each] : each))));
}

function drawKeyFrames(task, frames, place) {
  const pictures = frames.frames.map((each) => content.key_frames[`${task.ground}: ${each.video}: ${each.name}`]);
  const figures = frames.frames.map((each, at) => {
    const [width, height] = each.size || [4, 3], high = (WIDE * height) / width;
    const picture = pictures[at] ? shape("image", { href: pictures[at], width: WIDE, height: high, preserveAspectRatio: "none" }) : null;
    const about = `${each.boxes.length} boxes${picture ? "" : " on an empty frame"}`;
    return el("figure", { class: "key-frame" },
      el("figcaption", {}, el("strong", {}, each.video), ` ${each.name}, at ${each.time_s.toFixed(2)} s`),
      shape("svg", { viewBox: `0 0 ${WIDE} ${high}`, role: "img", "aria-label": `Key frame ${each.name} of ${each.video}: ${about}, described below` },
        picture, ...each.boxes.map((box, number) => drawBox(box, number + 1, high))),
      el("ol", { class: "said" }, ...each.boxes.map((box, number) => saidOf(box, number + 1))),
      each.left_out ? el("p", { class: "hint" }, `${each.left_out} more predicted boxes are not drawn.`) : null);
  });
  const without = pictures.filter((picture) => !picture).length;
  const unknown = frames.frames.some((each) => !each.size);
  const rows = () => frames.frames.flatMap((each) => each.boxes.flatMap((box, number) => [
    ...box.truths.map((said) => [each.video, each.name, String(number + 1), "truth", said.name, null, said.hit ? "yes" : "no"]),
    ...box.found.map((said) => [each.video, each.name, String(number + 1), "prediction", said.name, said.score.toFixed(3), said.hit ? "yes" : "no"])]));
  fill(place, el("p", { class: "hint" }, "White: true boxes; dashed: predicted boxes that are no true ones. ✓ right, with its score; ○ a true class that was missed; ✗ false."),
    without ? el("p", { class: "note" }, `${without === pictures.length ? "The videos are not at hand" : `${without} of ${pictures.length} pictures ${without === 1 ? "is" : "are"} not at hand`}: boxes are on an empty frame of the video's shape${unknown ? ", or of 4:3 where that isn't known" : ""}.`) : null,
    el("div", { class: "key-frames" }, ...figures),
    asTable("Boxes of the key frames", ["video", "key frame", "box", "what", "class", "score", "hit"], rows));
}
