"use strict";
// The gallery of mistakes: a list of parts, and in each the mistakes with diff, numbers and what the grader says.

const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

function exhibit({ name, diff, case: where, quantity, right, wrong, said }) {
  const lines = diff.map((line) => `<span class="${line[0] === "+" ? "added" : "removed"}">${escaped(line)}</span>`).join("\n");
  const numbers = `<div class="compared"><div>right${matrix(right)}</div><div>with the mistake${matrix(wrong)}</div></div>`;
  return `<details class="exhibit"><summary>${escaped(name)}</summary><pre>${lines}</pre><p>${escaped(quantity)}, where ${escaped(where)}:</p>${numbers}<p class="said">${escaped(said)}</p></details>`;
}

function galleryOf(mistakes) {
  const parts = [...new Set(mistakes.map(({ part }) => part))];
  const section = (part) => {
    const those = mistakes.filter((mistake) => mistake.part === part);
    return `<details><summary>${escaped(part)} (${those.length})</summary>${those.map(exhibit).join("")}</details>`;
  };
  return parts.map(section).join("");
}
