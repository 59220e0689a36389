"use strict";
// A batch: N examples as the rows of x, every tensor of one step with its shape.

// All tensors of a forward and a backward pass, from those of the examples: rows below each other, gradients of the params added.
function batched(net, params, x, y) {
  const caches = x.map((row) => forward(net, params, row));
  const grads = caches.map((cache, n) => backward(net, params, cache, y[n]));
  const mean = (t) => (Array.isArray(t) ? t.map(mean) : t / x.length);
  const rows = (name) => caches.map((cache) => cache[name]);
  const drows = (name) => mean(grads.map((grad) => grad[name]));
  const added = (a, b) => (Array.isArray(a) ? a.map((a_i, i) => added(a_i, b[i])) : a + b);
  const total = (name) => mean(grads.map((grad) => grad[name]).reduce(added));
  return {
    J: sum(caches.map((cache, n) => LOSSES[net.loss].value(y[n], cache.y_hat))) / x.length,
    tensors: {
      z1: rows("z1"), z2: rows("z2"), z3: rows("z3"), y_hat: rows("y_hat"),
      dy_hat: drows("y_hat"), dz3: drows("z3"), dW2: total("W2"), db2: total("b2"),
      dz2: drows("z2"), dz1: drows("z1"), dW1: total("W1"), db1: total("b1"), dx: drows("x"),
    },
  };
}

// Name, how it comes about, which letters its shape has.
const TENSORS = [
  ["x", "the examples are its rows", "N × n"],
  ["W1", "a weight", "h × n"], ["b1", "a bias", "h"], ["W2", "a weight", "K × h"], ["b2", "a bias", "K"],
  ["z1", "x W1ᵀ + b1", "N × h"], ["z2", "f(z1)", "N × h"], ["z3", "z2 W2ᵀ + b2", "N × K"], ["y_hat", "g(z3)", "N × K"],
  ["dy_hat", "the loss's derivative; 1/N is in it", "N × K"], ["dz3", "dy_hat ∘ g′(z3)", "N × K"],
  ["dW2", "dz3ᵀ z2: the sum over the batch", "K × h"], ["db2", "the sum of the rows of dz3", "K"],
  ["dz2", "dz3 W2", "N × h"], ["dz1", "dz2 ∘ f′(z1)", "N × h"],
  ["dW1", "dz1ᵀ x: the sum over the batch", "h × n"], ["db1", "the sum of the rows of dz1", "h"], ["dx", "dz1 W1", "N × n"],
];

const shape = (t) => (Array.isArray(t[0]) ? `(${t.length}, ${t[0].length})` : `(${t.length},)`);

function matrix(t, marked) {
  const rows = Array.isArray(t[0]) ? t : [t];
  const cells = (row) => row.map((value) => `<td>${typeof value === "number" ? show(value) : value}</td>`).join("");
  return `<table class="matrix">${rows.map((row, n) => `<tr${n === marked ? ' class="marked"' : ""}>${cells(row)}</tr>`).join("")}</table>`;
}

function batchTable(net, params, x, y, marked) {
  const { J, tensors } = batched(net, params, x, y);
  const all = { x, ...params, ...tensors };
  const line = ([name, how, letters]) => {
    const kind = name.startsWith("d") ? ' class="cotangent-word"' : "";
    return `<tr><th scope="row"${kind}>${name}</th><td>${how}</td><td>${letters}</td><td>${shape(all[name])}</td><td>${matrix(all[name], letters[0] === "N" ? marked : -1)}</td></tr>`;
  };
  return `<p>J = ${J.toPrecision(6)}, the mean of the losses of ${x.length} examples</p><table class="tensors"><thead><tr><th>tensor</th><th>is</th><th colspan="2">shape</th><th>numbers</th></tr></thead>${TENSORS.map(line).join("")}</table>`;
}

function batchDifference(batches) {
  const gap = (a, b) => (Array.isArray(a) ? Math.max(...a.map((a_i, i) => gap(a_i, b[i]))) : Math.abs(a - b) / Math.max(1, Math.abs(b)));
  return Math.max(
    ...batches.map(({ net, params, x, y, J, tensors }) => {
      const ours = batched(net, params, x, y);
      return Math.max(Math.abs(ours.J - J), ...Object.keys(tensors).map((name) => gap(ours.tensors[name], tensors[name])));
    }),
  );
}
