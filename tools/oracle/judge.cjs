// What this Node's V8 says of every module in a folder.
//
//   node judge.cjs FOLDER
//
// prints a line for each *.wasm, in order of their names: NAME valid, or NAME invalid and
// the error's message.
'use strict';

const fs = require('fs');
const path = require('path');

const folder = process.argv[2];
if (folder === undefined) throw new Error('usage: judge.cjs FOLDER');
const lines = [];
for (const name of fs.readdirSync(folder).filter((file) => file.endsWith('.wasm')).sort()) {
  const bytes = fs.readFileSync(path.join(folder, name));
  if (WebAssembly.validate(bytes)) {
    lines.push(`${name} valid`);
    continue;
  }
  let message = 'refused without a message';
  try {
    new WebAssembly.Module(bytes);
  } catch (error) {
    message = error.message.replace(/\s+/g, ' ');
  }
  lines.push(`${name} invalid ${message}`);
}
process.stdout.write(lines.map((line) => `${line}\n`).join(''));
