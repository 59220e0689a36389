"use strict";
// The net as SVG: values above the nodes and edges, cotangents below them.

const COLUMNS = [
  { name: "x", at: 60, letter: "x", before: "" },
  { name: "z1", at: 300, letter: "z", before: "1," },
  { name: "z2", at: 430, letter: "z", before: "2," },
  { name: "z3", at: 670, letter: "z", before: "3," },
  { name: "y_hat", at: 800, letter: "ŷ", before: "" },
];
const HEIGHT = 400;
const show = (number) => (Math.abs(number) >= 1000 ? number.toExponential(1) : number.toFixed(2)).replace("-", "−");
const height = (i, n) => (HEIGHT * (i + 0.5)) / n;

function picture(net, params, cache, grads, J) {
  const parts = [];
  const edges = (from, to, W, dW, name) =>
    W.forEach((row, i) => row.forEach((w, j) => parts.push(weight(from, to, i, j, row.length, W.length, w, dW[i][j], name))));
  edges(COLUMNS[0], COLUMNS[1], params.W1, grads.W1, "W1");
  edges(COLUMNS[2], COLUMNS[3], params.W2, grads.W2, "W2");
  [[1, 2, net.f], [3, 4, net.g]].forEach(([from, to, name]) => {
    const n = cache[COLUMNS[from].name].length;
    for (let i = 0; i < n; i++) parts.push(line(COLUMNS[from].at, height(i, n), COLUMNS[to].at, height(i, n)));
    parts.push(`<text class="name" x="${(COLUMNS[from].at + COLUMNS[to].at) / 2}" y="${HEIGHT + 22}">${name}</text>`);
  });
  cache.y_hat.forEach((_, k) => parts.push(line(800, height(k, cache.y_hat.length), 920, HEIGHT / 2)));
  for (const { name, at, letter, before } of COLUMNS) {
    cache[name].forEach((value, i) => parts.push(node(at, height(i, cache[name].length), letter, before, i, value, grads[name][i], name)));
  }
  parts.push(node(920, HEIGHT / 2, "ℓ", "", 0, J, 1, "J"));
  const title = `<title>The net: values above, cotangents below</title>`;
  return `<svg viewBox="0 0 980 ${HEIGHT + 32}" role="img" xmlns="http://www.w3.org/2000/svg">${title}${parts.join("")}</svg>`;
}

const line = (x1, y1, x2, y2) => `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"/>`;

function weight(from, to, i, j, columns, rows, w, dw, name) {
  const [x1, y1, x2, y2] = [from.at, height(j, columns), to.at, height(i, rows)];
  const t = columns < rows ? 0.75 : 0.25; // beside the larger layer, where the edges lie apart
  const [x, y] = [x1 + t * (x2 - x1), y1 + t * (y2 - y1)];
  const labels = `<text class="value" x="${x}" y="${y - 5}">${show(w)}</text><text class="cotangent" x="${x}" y="${y + 13}">${show(dw)}</text>`;
  return `<g class="part" tabindex="0" data-part="${name}" data-i="${i}" data-j="${j}">${line(x1, y1, x2, y2)}${labels}</g>`;
}

function node(x, y, letter, before, i, value, cotangent, name) {
  const index = name === "J" ? "" : `${before}${i + 1}`;
  const words = `<text class="letter" x="${x}" y="${y + 5}">${letter}<tspan class="index" dy="4">${index}</tspan></text>`;
  const numbers = `<text class="value" x="${x}" y="${y - 24}">${show(value)}</text><text class="cotangent" x="${x}" y="${y + 35}">${show(cotangent)}</text>`;
  const attributes = `class="part" tabindex="0" data-part="${name}" data-i="${i}"`;
  return `<g ${attributes}><circle cx="${x}" cy="${y}" r="19"/>${words}${numbers}</g>`;
}

// How the number under a part of the picture comes about, in its own numbers.
function explanation(part, i, j, net, params, cache, grads) {
  const products = (a, b) => a.map((a_k, k) => `${show(a_k)} · ${show(b[k])}`).join(" + ");
  const column = (W, k) => W.map((row) => row[k]);
  const n = Number(i) + 1;
  switch (part) {
    case "W1":
    case "W2": {
      const [d, input, letters] = part === "W1" ? [grads.z1, cache.x, ["z₁", "x"]] : [grads.z3, cache.z2, ["z₃", "z₂"]];
      const entry = `d${part}[${n}, ${Number(j) + 1}]`;
      return `${entry} = d${letters[0]}[${n}] · ${letters[1]}[${Number(j) + 1}] = ${show(d[i])} · ${show(input[j])} = ${show(grads[part][i][j])}`;
    }
    case "y_hat":
      return `dŷ[${n}] = ${show(grads.y_hat[i])}: the derivative of the loss by the prediction`;
    case "z3":
      return `dz₃[${n}] = dŷ[${n}] · g′ = ${show(grads.y_hat[i])} · ${show(ACTIVATIONS[net.g].slope(cache.y_hat[i]))} = ${show(grads.z3[i])}`;
    case "z2":
      return `dz₂[${n}] = dz₃ · column ${n} of W2 = ${products(grads.z3, column(params.W2, i))} = ${show(grads.z2[i])}`;
    case "z1":
      return `dz₁[${n}] = dz₂[${n}] · f′ = ${show(grads.z2[i])} · ${show(ACTIVATIONS[net.f].slope(cache.z2[i]))} = ${show(grads.z1[i])}`;
    case "x":
      return `dx[${n}] = dz₁ · column ${n} of W1 = ${products(grads.z1, column(params.W1, i))} = ${show(grads.x[i])}`;
    default:
      return "dℓ/dℓ = 1: here the backward pass starts";
  }
}
