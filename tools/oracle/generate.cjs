// Makes random modules with Binaryen's fuzzer, and copies of them with a few bytes changed.
//
//   node generate.cjs WASM-OPT FOLDER FIRST COUNT
//
// writes for each seed from FIRST to FIRST+COUNT-1 a module SEED.wasm, made by
// `wasm-opt -ttf` from bytes that the seed gives, and SEED.mutated.wasm, the same with one or
// two changes past the header that the seed gives too. What is there already stays.
// wasm-opt is a WebAssembly program in a script: it is compiled once and run in this process.
'use strict';

const fs = require('fs');
const path = require('path');
const vm = require('vm');

const HEADER_SIZE = 8;

const FEATURES = [
  'simd', 'bulk-memory', 'reference-types', 'multivalue', 'tail-call', 'sign-ext',
  'nontrapping-float-to-int', 'mutable-globals', 'gc', 'multimemory', 'memory64',
  'extended-const', 'relaxed-simd', 'exception-handling',
];
const OPTIONS = ['-ttf', '--mvp-features', ...FEATURES.map((name) => `--enable-${name}`), '--emit-exnref'];

// SplitMix64 (Steele, Lea, Flood 2014).
class Random {
  constructor(seed) {
    this.state = BigInt(seed);
  }
  next() {
    this.state = BigInt.asUintN(64, this.state + 0x9E3779B97F4A7C15n);
    let z = this.state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xBF58476D1CE4E5B9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94D049BB133111EBn);
    return z ^ (z >> 31n);
  }
  below(bound) {
    return Number(this.next() % BigInt(bound));
  }
  byte() {
    return this.below(256);
  }
}

// Between 128 bytes and 16 KiB, each size class as often.
function fuzzInput(random) {
  const floor = 128 << random.below(7);
  const bytes = Buffer.alloc(floor + random.below(floor));
  for (let i = 0; i < bytes.length; ++i) bytes[i] = random.byte();
  return bytes;
}

// One change past the header: a bit, a byte, a byte's neighbour, a byte from elsewhere in the
// module, one moved a little (all of which keep the sizes), or one left out or put in.
function mutateOnce(bytes, random) {
  const place = () => HEADER_SIZE + random.below(bytes.length - HEADER_SIZE);
  const at = place();
  switch (random.below(10)) {
    case 0:
    case 1:
      bytes[at] ^= 1 << random.below(8);
      return bytes;
    case 2:
      bytes[at] = random.byte();
      return bytes;
    case 3:
    case 4:
      bytes[at] += random.below(2) === 0 ? 1 : 255;
      return bytes;
    case 5:
    case 6:
      bytes[at] = bytes[place()];
      return bytes;
    case 7: {
      const to = Math.min(bytes.length - 1, at + 1 + random.below(8));
      const moved = bytes[at];
      bytes.copyWithin(at, at + 1, to + 1);
      bytes[to] = moved;
      return bytes;
    }
    case 8:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
    default:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([random.byte()]), bytes.subarray(at)]);
  }
}

function mutate(original, random) {
  for (;;) {
    let bytes = Buffer.from(original);
    for (let changes = 1 + random.below(3) % 2; changes > 0; --changes) bytes = mutateOnce(bytes, random);
    if (!bytes.equals(original)) return bytes;
  }
}

// A function that runs wasm-opt once with the given arguments and resolves to its output.
function loadWasmOpt(file) {
  let compiled = null;
  const wasm = {
    ...Object.fromEntries(Object.getOwnPropertyNames(WebAssembly).map((name) => [name, WebAssembly[name]])),
    async instantiate(binary, imports) {
      compiled ??= await WebAssembly.compile(binary);
      return {module: compiled, instance: await WebAssembly.instantiate(compiled, imports)};
    },
  };
  const source = fs.readFileSync(file, 'utf8').replace(/^#!.*/, '');
  const program = vm.runInThisContext(
      `(function(Module, WebAssembly, require, __filename, __dirname, process) {${source}\n})`, {filename: file});
  return (args) => new Promise((resolve, reject) => {
    const output = [];
    const own = Object.create(process, {exitCode: {value: 0, writable: true}});
    const Module = {
      arguments: args,
      print: (line) => output.push(line),
      printErr: (line) => output.push(line),
      onAbort: (why) => reject(new Error(`wasm-opt aborted: ${why}\n${output.join('\n')}`)),
      postRun: () => {
        if (own.exitCode === 0) resolve(output.join('\n'));
        else reject(new Error(`wasm-opt ended with ${own.exitCode}\n${output.join('\n')}`));
      },
    };
    program(Module, wasm, require, file, path.dirname(file), own);
  });
}

async function main() {
  const [wasmOpt, folder, first, count] = process.argv.slice(2);
  if (count === undefined) throw new Error('usage: generate.cjs WASM-OPT FOLDER FIRST COUNT');
  const run = loadWasmOpt(path.resolve(wasmOpt));
  const input = path.join(folder, `input-${first}.bin`);
  for (let seed = Number(first); seed < Number(first) + Number(count); ++seed) {
    const base = path.join(folder, String(seed).padStart(6, '0'));
    if (fs.existsSync(`${base}.mutated.wasm`)) continue;
    const random = new Random(seed);
    fs.writeFileSync(input, fuzzInput(random));
    await run([input, ...OPTIONS, '-o', `${base}.wasm`]);
    fs.writeFileSync(`${base}.mutated.wasm`, mutate(fs.readFileSync(`${base}.wasm`), random));
  }
  fs.rmSync(input, {force: true});
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
