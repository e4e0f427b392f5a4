// What stored segments and boxes say: precision by threshold and class, timelines, key frames.

const CUT = "the score at which precision and recall balance best (the highest F1)";

// el() for elements of a drawing.
function shape(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function cutText(cut, what) {
  if (!cut) return "There is no prediction.";
  const reached = cut.hits ? CUT : "as none is a hit, at most as many are shown as are true";
  return `Predictions have a score of at least ${cut.score.toFixed(3)}: ${reached}. Over all videos ${cut.hits} of ${cut.found} `
    + `of them are hits (precision ${percent(cut.found ? cut.hits / cut.found : null)}), of ${cut.truths} true ${what} `
    + `(recall ${percent(cut.truths ? cut.hits / cut.truths : null)}), at an overlap of ${cut.threshold}.`;
}

function someOf(shown, of, what) {
  return shown < of ? `${shown} of ${of} ${what}: evenly spaced among those with something true, the same for every network. ` : `All ${of} ${what}. `;
}

function addTask(line, parts, add) {
  const { task } = line, { precisions } = task;
  const bounds = (ends) => (ends ? `[${percent(ends[0])}, ${percent(ends[1])}]` : "");
  if (task.without_predictions) {
    parts.push(el("p", { class: "note" }, "The predictions of this network are not in the folder of results, or were not read. Classes, intervals by threshold, timelines and key frames need them."));
  }
  const { timelines, key_frames: frames } = task;
  const what = timelines ? "events" : "boxes";
  if (timelines) {
    add("Timelines", `${someOf(timelines.videos.length, timelines.of, "videos")}${cutText(timelines.cut, "events")}${timelines.uncounted ? ` ${timelines.uncounted} predictions of classes without a true event don't count, and are not shown.` : ""}`,
      (target) => drawTimelines(line, timelines, target), true);
  }
  if (frames) {
    add("Key frames", `${someOf(frames.frames.length, frames.of, "key frames")}${cutText(frames.cut, "classes of boxes")}`,
      (target) => drawKeyFrames(task, frames, target), true);
  }
  const { averaged, by_threshold: overlaps } = precisions;
  const span = averaged.length > 1 ? ` over overlaps from ${averaged[0]} to ${averaged.at(-1)}` : "";
  const averages = overlaps.length > 1 ? [[`mean${span}`, percent(precisions.map), bounds(precisions.ends)]] : [];
  parts.push(part(capital(`${task.score_name} by threshold`), `By the rule ${precisions.rule}, on ${task.videos} videos; intervals are by a bootstrap of videos.`,
    plainTable(`${task.score_name} of ${line.name}`, ["overlap", "mAP", "95 % interval"],
      [...averages, ...overlaps.map((each) => [String(each.threshold), percent(each.map), bounds(each.ends)])])));
  if (precisions.by_class.length) {
    add("Average precision of each class", span ? `The mean${span}.` : `At an overlap of ${averaged[0]}.`, (target) => drawClasses({
      score_name: "average precision",
      by_class: precisions.by_class.map((each) => ({ name: each.name, videos: each.truths, score: each.precision, ends: each.ends })),
    }, target, `true ${what}`));
  }
}
