"use strict";
const field = document.getElementById("filter"), said = document.getElementById("said");
const cards = [...document.querySelectorAll(".errors > li")];
const form = document.querySelector("form");
form.hidden = false;
form.addEventListener("submit", (event) => event.preventDefault());
field.addEventListener("input", () => {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const card of cards) card.hidden = !words.every((word) => card.dataset.text.includes(word));
  const shown = cards.filter((card) => !card.hidden).length;
  said.textContent = `${shown} of ${cards.length} videos shown`;
});
