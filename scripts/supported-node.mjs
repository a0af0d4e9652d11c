// The first import of a command: says in one line that this Node is too old, before anything fails in a way of its own.
const [major = 0, minor = 0, patch = 0] = process.versions.node.split('.').map(Number);
if (major * 1e6 + minor * 1e3 + patch < 20_018_001) {
  console.error(
    `Pilotlight needs Node 20.18.1 or later; this is ${process.versions.node}. Install a later one: https://nodejs.org`,
  );
  process.exit(1);
}
