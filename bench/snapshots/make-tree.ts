// Generates the tree in a directory and prints its bytes. A process of its own, so that the memory it takes is not counted.
import { generateTree } from './tree.js';

process.stdout.write(`${generateTree(process.argv[2]!)}\n`);
