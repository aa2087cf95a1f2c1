// V8's side of bench/compile, as compile_speed.cc:
//
//   node FLAGS compile_speed.cjs PATH
'use strict';

const fs = require('fs');

function nanoseconds() {
  const usage = process.cpuUsage();
  return 1000 * (usage.user + usage.system);
}

const bytes = fs.readFileSync(process.argv[2]);
// A custom section "A" of one byte, another each time: else the module would be found in V8's cache.
const variants = [1, 2].map((byte) => Buffer.concat([bytes, Buffer.from([0, 3, 1, 65, byte])]));
let spent;
for (const variant of variants) {
  const start = nanoseconds();
  new WebAssembly.Module(variant);
  spent = nanoseconds() - start;
}
process.stdout.write(`${spent} ${spent}\n`);
