"use strict";
// The state of the page and what its controls do to it.

const START = JSON.parse(document.getElementById("start").textContent);
const CASES = JSON.parse(document.getElementById("cases").textContent);
const BATCHES = JSON.parse(document.getElementById("batches").textContent);
const MISTAKES = JSON.parse(document.getElementById("mistakes").textContent);
const at = (id) => document.getElementById(id);
const LARGEST_LOSS = 1e6;
let state = fresh();
let chosen = { part: "W1", i: 0, j: 0 };

function fresh() {
  return { ...JSON.parse(JSON.stringify(START)), losses: [] };
}

function run() {
  const cache = forward(state.net, state.params, state.x);
  return { cache, grads: backward(state.net, state.params, cache, state.y), J: LOSSES[state.net.loss].value(state.y, cache.y_hat) };
}

// bce takes probabilities and labels of 0 or 1.
function served({ net, y, ...rest }) {
  const bce = net.loss === "bce";
  at("choose-g").disabled = bce;
  at("choose-g").value = bce ? "sigmoid" : net.g;
  return { net: { ...net, g: at("choose-g").value }, y: bce ? y.map((y_k) => (y_k > 0 ? 1 : 0)) : y, ...rest };
}

function slider(name, number, write, [low, high] = [-3, 3]) {
  const id = `slider ${name}`;
  return `<label for="${id}"><span>${name}</span><input id="${id}" type="range" min="${low}" max="${high}" step="0.01" value="${number}" data-write="${write}">
    <output>${show(number)}</output></label>`;
}

function sliders() {
  const rows = state.x.map((_, j) => slider(`x[${j + 1}]`, state.x[j], `x.${j}`));
  state.y.forEach((_, k) => rows.push(slider(`y[${k + 1}]`, state.y[k], `y.${k}`, state.net.loss === "bce" ? [0, 1] : [-3, 3])));
  for (const name of ["W1", "W2"]) {
    state.params[name].forEach((row, i) =>
      row.forEach((_, j) => rows.push(slider(`${name}[${i + 1}, ${j + 1}]`, state.params[name][i][j], `params.${name}.${i}.${j}`))),
    );
  }
  for (const name of ["b1", "b2"]) {
    state.params[name].forEach((_, i) => rows.push(slider(`${name}[${i + 1}]`, state.params[name][i], `params.${name}.${i}`)));
  }
  at("sliders").innerHTML = rows.join("");
}

function render() {
  const { cache, grads, J } = run();
  at("picture").innerHTML = picture(state.net, state.params, cache, grads, J);
  at("loss").textContent = J.toPrecision(6);
  at("steps").textContent = String(state.losses.length);
  at("explanation").textContent = explanation(chosen.part, chosen.i, chosen.j, state.net, state.params, cache, grads);
  const top = Math.max(...state.losses, J, 1e-9);
  const points = [...state.losses, J].map((loss, i, all) => `${(300 * i) / Math.max(all.length - 1, 1)},${60 - (56 * loss) / top}`);
  renderBatch();
  at("history").hidden = state.losses.length === 0;
  at("history").innerHTML = `<svg viewBox="0 0 300 62" role="img" aria-label="The loss after every step"><polyline points="${points.join(" ")}"/></svg>`;
}

// The batch's labels serve the loss as the example's do.
function renderBatch() {
  const { x, y } = BATCHES.find(({ net }) => (net.loss === "bce") === (state.net.loss === "bce"));
  const chosen = x.findIndex((row, n) => row.every((value, i) => value === state.x[i]) && y[n].every((value, i) => value === state.y[i]));
  at("example").value = String(chosen + 1);
  at("batch").innerHTML = batchTable(state.net, state.params, x, y, chosen);
}

function step() {
  const before = state;
  const { grads, J } = run();
  state = { ...state, params: sgd(state.params, grads, Number(at("rate").value)), losses: [...state.losses, J] };
  const diverges = !(run().J <= LARGEST_LOSS);
  if (diverges) state = before;
  sliders();
  render();
  if (diverges) at("explanation").textContent = "This step would make the loss larger than a million: the rate is too large here. Take a smaller one.";
}

function choose(event) {
  const part = event.target.closest(".part");
  if (!part) return;
  chosen = { part: part.dataset.part, i: part.dataset.i, j: part.dataset.j };
  render();
}

at("sliders").addEventListener("input", (event) => {
  const path = event.target.dataset.write.split(".");
  const last = path.pop();
  path.reduce((inner, key) => inner[key], state)[last] = Number(event.target.value);
  event.target.nextElementSibling.textContent = show(Number(event.target.value));
  render();
});
at("picture").addEventListener("click", choose);
at("picture").addEventListener("focusin", (event) => event.target.matches(":focus-visible") && choose(event));
at("step").addEventListener("click", step);
at("reset").addEventListener("click", () => {
  state = served({ ...fresh(), net: state.net });
  sliders();
  render();
});
for (const name of ["f", "g", "loss"]) {
  at(`choose-${name}`).addEventListener("change", (event) => {
    state = served({ ...state, net: { ...state.net, [name]: event.target.value }, losses: [] });
    sliders();
    render();
  });
  at(`choose-${name}`).value = state.net[name];
}
at("example").innerHTML = BATCHES[0].x.map((_, n) => `<option>${n + 1}</option>`).join("");
at("example").addEventListener("change", (event) => {
  const { x, y } = BATCHES.find(({ net }) => (net.loss === "bce") === (state.net.loss === "bce"));
  const n = Number(event.target.value) - 1;
  state = { ...state, x: [...x[n]], y: [...y[n]], losses: [] };
  sliders();
  render();
});
at("gallery").innerHTML = galleryOf(MISTAKES);
const gap = Math.max(difference(CASES), batchDifference(BATCHES));
at("check").textContent =
  gap < 1e-12
    ? `Checked when this page was opened: its numbers are those of the library in ${CASES.length} nets (largest difference ${gap.toExponential(1)}).`
    : `This page is wrong: its numbers differ from the library's by ${gap}.`;
sliders();
render();
