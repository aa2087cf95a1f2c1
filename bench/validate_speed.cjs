// V8's side of bench/validate, as validate_speed.cc: for every path on standard input, one
// WebAssembly.validate of that module and a line with the nanoseconds of processor time that
// the process spent on it.
//
// That it looks into every body is checked when a module is first named: with an operator
// changed in the middle of its last body, the module must be refused.
'use strict';

const fs = require('fs');
const readline = require('readline');

// Where the last body of a module begins and ends.
function lastBody(bytes) {
  let at = 8;
  const number = () => {
    let value = 0;
    for (let factor = 1;; factor *= 128) {
      const byte = bytes[at++];
      value += (byte & 0x7F) * factor;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const id = bytes[at++];
    const end = number() + at;
    if (id === 10) {
      let begin = at;
      for (let count = number(); count > 0; --count) {
        const size = number();
        begin = at;
        at += size;
      }
      return [begin, at];
    }
    at = end;
  }
  throw new Error('a module without code');
}

const modules = new Map();

function load(path) {
  const bytes = fs.readFileSync(path);
  const broken = Buffer.from(bytes);
  const [begin, end] = lastBody(broken);
  // Its `end` becomes an opcode that is none.
  if (begin === end || broken[end - 1] !== 0x0B) throw new Error(`${path}: no body to break`);
  broken[end - 1] = 0xFF;
  if (WebAssembly.validate(broken)) throw new Error(`${path}: a broken body was not looked at`);
  modules.set(path, bytes);
  return bytes;
}

function nanoseconds() {
  const usage = process.cpuUsage();
  return 1000 * (usage.user + usage.system);
}

readline.createInterface({input: process.stdin}).on('line', (path) => {
  const bytes = modules.get(path) ?? load(path);
  const start = nanoseconds();
  const valid = WebAssembly.validate(bytes);
  const spent = nanoseconds() - start;
  if (!valid) throw new Error(`${path}: invalid`);
  process.stdout.write(`${spent}\n`);
});
