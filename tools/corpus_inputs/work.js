// Work for QuickJS: several small programs, each with a checksum of its results. The argument is
// the scale; 10 takes a second or two natively.
'use strict';
const scale = Number(scriptArgs[0] || 1);

let state = 42;
function random(n) {
  state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
  return (state >>> 8) % n;
}

function checksum(text) {
  let hash = 2166136261;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
  return (hash >>> 0).toString(16);
}

function queens(n) {
  const columns = [], up = [], down = [];
  function place(row) {
    if (row === n) return 1;
    let count = 0;
    for (let column = 0; column < n; column++) {
      if (columns[column] || up[row + column] || down[row - column + n]) continue;
      columns[column] = up[row + column] = down[row - column + n] = true;
      count += place(row + 1);
      columns[column] = up[row + column] = down[row - column + n] = false;
    }
    return count;
  }
  return place(0);
}

class Node {
  constructor(key) {
    this.key = key;
    this.left = this.right = null;
  }
}

class Tree {
  constructor() {
    this.root = null;
    this.size = 0;
  }
  insert(key) {
    let at = this.root;
    if (at === null) this.root = new Node(key);
    while (at !== null) {
      if (key === at.key) return false;
      const side = key < at.key ? 'left' : 'right';
      if (at[side] === null) {
        at[side] = new Node(key);
        break;
      }
      at = at[side];
    }
    this.size++;
    return true;
  }
  *[Symbol.iterator]() {
    const stack = [];
    let at = this.root;
    while (at !== null || stack.length > 0) {
      for (; at !== null; at = at.left) stack.push(at);
      at = stack.pop();
      yield at.key;
      at = at.right;
    }
  }
}

function trees(count) {
  const tree = new Tree();
  for (let i = 0; i < count; i++) tree.insert(random(1 << 20));
  let sum = 0, last = -1;
  for (const key of tree) {
    if (key <= last) throw new Error('not in order');
    last = key;
    sum = (sum + key) % 1000003;
  }
  return `${tree.size} ${sum}`;
}

function texts(count) {
  const words = new Map();
  let text = '';
  for (let i = 0; i < count; i++) text += `w${random(500)}${random(3) === 0 ? ', ' : ' '}`;
  for (const [word] of text.matchAll(/w(\d+)/g)) words.set(word, (words.get(word) || 0) + 1);
  const sorted = [...words].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  return checksum(sorted.map(([word, n]) => `${word}:${n}`).join(';')) +
      text.replace(/w(\d)(\d*)/g, '$2$1').length;
}

function json(count) {
  const records = [];
  for (let i = 0; i < count; i++) {
    records.push({id: i, name: `n${random(1000)}`, tags: [random(9), random(9)], ok: i % 3 === 0});
  }
  const text = JSON.stringify(records);
  const back = JSON.parse(text).filter(r => r.ok).map(r => r.tags[0] * r.tags[1] + r.name.length);
  return `${text.length} ${back.reduce((a, b) => a + b, 0)}`;
}

function floats(n) {
  const a = new Float64Array(n * n), b = new Float64Array(n * n);
  for (let i = 0; i < n * n; i++) {
    a[i] = random(100) / 10;
    b[i] = random(100) / 10;
  }
  let trace = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += a[i * n + k] * b[k * n + j];
      if (i === j) trace += sum;
    }
  }
  return trace.toFixed(3);
}

function bigs(n) {
  let a = 1n;
  for (let i = 1n; i <= BigInt(n); i++) a *= i;
  return checksum(a.toString());
}

for (let round = 0; round < scale; round++) {
  print(queens(7), trees(6000), texts(6000), json(2000), floats(40), bigs(300));
}
