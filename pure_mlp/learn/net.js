"use strict";
// The net of the page, as pure functions on arrays: Linear_1 -> f -> Linear_2 -> g -> loss, for one example.

const ACTIVATIONS = {
  relu: { value: (z) => Math.max(0, z), slope: (y) => (y > 0 ? 1 : 0) },
  sigmoid: { value: (z) => 1 / (1 + Math.exp(-z)), slope: (y) => y * (1 - y) },
  tanh: { value: Math.tanh, slope: (y) => 1 - y * y },
  identity: { value: (z) => z, slope: () => 1 },
};

const LOSSES = {
  squared_norm: {
    value: (y, p) => sum(p.map((p_k, k) => (p_k - y[k]) ** 2)),
    slope: (y, p) => p.map((p_k, k) => 2 * (p_k - y[k])),
  },
  bce: {
    value: (y, p) => sum(p.map((p_k, k) => -(y[k] * log(p_k) + (1 - y[k]) * log(1 - p_k)))) / p.length,
    slope: (y, p) => p.map((p_k, k) => (p_k - y[k]) / Math.max((1 - p_k) * p_k, 1e-12) / p.length),
  },
};

const sum = (a) => a.reduce((total, x) => total + x, 0);
const log = (x) => Math.max(Math.log(x), -100);
const linear = (W, b, x) => W.map((row, i) => sum(row.map((w, j) => w * x[j])) + b[i]);
const outer = (column, row) => column.map((a) => row.map((b) => a * b));
const times = (row, W) => W[0].map((_, j) => sum(row.map((d, i) => d * W[i][j])));

function forward(net, params, x) {
  const z1 = linear(params.W1, params.b1, x);
  const z2 = z1.map(ACTIVATIONS[net.f].value);
  const z3 = linear(params.W2, params.b2, z2);
  return { x, z1, z2, z3, y_hat: z3.map(ACTIVATIONS[net.g].value) };
}

// Every cotangent is a row: the derivative of the loss by that value.
function backward(net, params, cache, y) {
  const through = (name, out, d) => d.map((d_i, i) => d_i * ACTIVATIONS[name].slope(out[i]));
  const y_hat = LOSSES[net.loss].slope(y, cache.y_hat);
  const z3 = through(net.g, cache.y_hat, y_hat);
  const z2 = times(z3, params.W2);
  const z1 = through(net.f, cache.z2, z2);
  const x = times(z1, params.W1);
  return { x, z1, z2, z3, y_hat, W1: outer(z1, cache.x), b1: z1, W2: outer(z3, cache.z2), b2: z3 };
}

function sgd(params, grads, rate) {
  const down = (p, g) => (Array.isArray(p) ? p.map((p_i, i) => down(p_i, g[i])) : p - rate * g);
  return Object.fromEntries(Object.keys(params).map((name) => [name, down(params[name], grads[name])]));
}

// The largest difference from what the library computed for the same numbers.
function difference(cases) {
  const gap = (a, b) => (Array.isArray(a) ? Math.max(...a.map((a_i, i) => gap(a_i, b[i]))) : Math.abs(a - b) / Math.max(1, Math.abs(b)));
  return Math.max(
    ...cases.map(({ net, params, x, y, values, J, cotangents }) => {
      const cache = forward(net, params, x);
      const grads = backward(net, params, cache, y);
      const gaps = [gap(LOSSES[net.loss].value(y, cache.y_hat), J)];
      for (const name of Object.keys(values)) gaps.push(gap(cache[name], values[name]));
      for (const name of Object.keys(cotangents)) gaps.push(gap(grads[name], cotangents[name]));
      return Math.max(...gaps);
    }),
  );
}
