// Charts by Vega-Lite as SVG: in the colours of the page, with names on hover and on focus.

const CONFIG = {
  background: null,
  font: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
  view: { stroke: null },
  axis: {
    labelColor: "var(--muted)", titleColor: "var(--ink)", gridColor: "var(--grid)",
    domainColor: "var(--line)", tickColor: "var(--line)", labelFontSize: 12, titleFontSize: 13,
    titleFontWeight: 600, titlePadding: 10, labelPadding: 6, tickSize: 4, labelLimit: 190,
  },
  text: { fill: "var(--ink)", fontSize: 12 },
};

const tip = byId("tip");

function showTip(text, x, y) {
  tip.textContent = text;
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const left = Math.min(x + 14, document.documentElement.clientWidth - box.width - 8);
  const top = y + 16 + box.height > window.innerHeight ? y - box.height - 12 : y + 16;
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${Math.max(8, top)}px`;
}

function hideTip() {
  tip.hidden = true;
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") hideTip();
});
document.addEventListener("scroll", hideTip, { passive: true, capture: true });

// chart(place, {label, spec, table, onPick}): draws a spec into an element, its table below it. Marks
// with a description can be reached by keys: one stop for Tab, arrows from mark to mark.
function chart(place, { label, spec, table, onPick, class: kind = "" }) {
  const target = el("div", { class: `chart ${kind}` });
  fill(place, target, table || null);
  const whole = {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    description: label,
    width: "container",
    autosize: { type: "fit", contains: "padding", resize: true },
    config: CONFIG,
    ...spec,
    layer: spec.layer.filter((each) => each.data.values.length),
  };
  vegaEmbed(target, whole, {
    renderer: "svg",
    actions: false,
    ast: true,
    defaultStyle: false,
    tooltip: (handler, event, item, value) => {
      if (value === null || value === undefined || value === "") hideTip();
      else showTip(String(value), event.clientX, event.clientY);
    },
  }).then(({ view }) => {
    target.view = view;
    reachable(target, label, onPick);
    if (onPick) view.addEventListener("click", (event, item) => {
      if (item && item.datum && item.datum.key !== undefined) onPick(item.datum.key);
    });
    // A resize draws the marks anew.
    new MutationObserver(() => reachable(target, label, onPick)).observe(target, { childList: true, subtree: true });
  });
  return target;
}

function marksOf(target) {
  return [...target.querySelectorAll("svg .role-mark [aria-label][role='graphics-symbol']")];
}

function reachable(target, label, onPick) {
  const svg = target.querySelector("svg");
  if (!svg) return;
  if (!svg.hasAttribute("data-named")) {
    svg.setAttribute("data-named", "");
    svg.setAttribute("role", "group");
    svg.setAttribute("aria-roledescription", "chart");
    svg.setAttribute("aria-label", label);
  }
  const marks = marksOf(target);
  if (!marks.length || marks.some((mark) => mark.hasAttribute("tabindex"))) return;
  marks.sort((one, other) => one.getBoundingClientRect().x - other.getBoundingClientRect().x);
  marks.forEach((mark, at) => {
    mark.setAttribute("tabindex", at ? "-1" : "0");
    mark.setAttribute("focusable", "true");
    mark.setAttribute("role", "img");
    mark.classList.add("reached");
    mark.removeAttribute("aria-roledescription");
    mark.addEventListener("focus", () => {
      const box = mark.getBoundingClientRect();
      showTip(mark.getAttribute("aria-label"), box.right, box.bottom);
    });
    mark.addEventListener("blur", hideTip);
    mark.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      const ends = { Home: 0, End: marks.length - 1 }[event.key];
      const to = ends !== undefined ? ends : step ? Math.min(marks.length - 1, Math.max(0, at + step)) : null;
      if (to !== null) {
        event.preventDefault();
        mark.setAttribute("tabindex", "-1");
        marks[to].setAttribute("tabindex", "0");
        marks[to].focus();
      } else if (event.key === "Enter" && onPick && mark.__data__) {
        onPick(mark.__data__.datum.key);
      }
    });
  });
}

// The marks that every chart uses: shape as well as colour tells them apart.
const BLUE = "var(--blue)", RED = "var(--red)", GREEN = "var(--green)", GREY = "var(--faint)";
const number = (field, title, scale = {}, axis = {}) => ({
  field, type: "quantitative", title, scale: scale.type === "log" ? scale : { zero: false, nice: true, ...scale }, axis: { tickCount: 6, ...axis },
});
const named = { description: { field: "text" }, tooltip: { field: "text" } };
