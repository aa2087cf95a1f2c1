// Runs a WASI program under Node and prints its times as `gantry bench --json` does:
//   node [V8 FLAGS] bench/node_wasi.mjs [--dir HOST::GUEST]... FILE [ARGS...]
// One compile, one instantiate, one run, in this process; the line goes to standard error.
import { readFileSync } from 'node:fs';
import { WASI } from 'node:wasi';

const preopens = {};
let words = process.argv.slice(2);
while (words[0] === '--dir') {
  const [host, guest] = words[1].split('::');
  preopens[guest ?? host] = host;
  words = words.slice(2);
}
const bytes = readFileSync(words[0]);
// Node 20 frees a WASI object that only its imports refer to, in the middle of a call.
const wasi = globalThis.keepAlive = new WASI({ version: 'preview1', args: words, env: {}, preopens, returnOnExit: true });

let benchStart;
let benchTime;
const bench = {
  start() { benchStart = performance.now(); },
  end() { if (benchStart !== undefined) benchTime = performance.now() - benchStart; },
};

const t0 = performance.now();
const module = new WebAssembly.Module(bytes);
const t1 = performance.now();
const instance = new WebAssembly.Instance(module, { ...wasi.getImportObject(), bench });
const t2 = performance.now();
const code = wasi.start(instance);
const t3 = performance.now();

const result = { repeat: 1, compile_ms: t1 - t0, instantiate_ms: t2 - t1, run_ms: t3 - t2,
                 peak_kib: process.resourceUsage().maxRSS };
if (benchTime !== undefined) result.bench_ms = benchTime;
process.stderr.write(JSON.stringify(result) + '\n');
process.exitCode = code;
